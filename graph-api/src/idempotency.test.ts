import { randomUUID } from 'node:crypto';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken, signToken } from '@exact-ratings/stack/testing/tokens.js';
import { startAppProcess } from './testing/app-process.js';
import { contents } from './testing/every-mutation.js';
import { dataOf, query, type Answer } from './testing/graphql.js';
import { startTestApp, type TestApp } from './testing/test-app.js';

let database: TestDatabase;
/** Two instances. */
let apps: [TestApp, TestApp];

beforeAll(async () => {
  database = await createTestDatabase();
  apps = [await startTestApp(database.env), await startTestApp(database.env)];
});
afterAll(async () => {
  await Promise.all((apps ?? []).map((app) => app.stop()));
  await database.drop();
});

const REVIEW = `review { id rating title body version } product { averageRating reviewCount } ratingVersion userErrors { code field }`;

interface ReviewInput {
  readonly productId: string;
  readonly rating?: number;
  readonly title?: string | null;
  readonly body?: string | null;
}

const ask = (
  token: string,
  key: string | null | undefined,
  { rating = 4, ...input }: ReviewInput,
  { origin } = apps[0] as { readonly origin: string },
): Promise<Answer> =>
  query(
    origin,
    `mutation ($input: CreateReviewInput!, $key: String) { createReview(input: $input, idempotencyKey: $key) { ${REVIEW} } }`,
    { input: { rating, ...input }, ...(key === undefined ? {} : { key }) },
    { token },
  );

const create = async (...request: Parameters<typeof ask>): Promise<Answer['data']> =>
  dataOf(await ask(...request)).createReview;

const newProduct = (): Promise<string> => insertProduct(database.pool);

const KEY_REUSED = { code: 'IDEMPOTENCY_KEY_REUSED', field: ['idempotencyKey'] };

test('a repetition is answered as the first, through either instance, and creates nothing', async () => {
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  const first = await create(token, key, { productId, title: 'One' });
  expect(first).toMatchObject({
    review: { title: 'One' },
    product: { reviewCount: 1 },
    ratingVersion: 1,
    userErrors: [],
  });
  expect(await create(token, key, { productId, title: 'One' })).toEqual(first);
  expect(await create(token, key, { productId, title: 'One' }, apps[1])).toEqual(first);
  expect(await outboxEvents(database.pool, productId)).toHaveLength(1);
});

test('what was decided is stored; the review, the product and its rating are read as they are', async () => {
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  const first = await create(token, key, { productId, rating: 4 });
  await create(await newUserToken(), null, { productId, rating: 2 });
  const update = 'mutation ($id: ID!) { updateReview(input: { id: $id, title: "Later" }) { userErrors { code } } }';
  dataOf(await query(apps[0].origin, update, { id: first.review.id }, { token }));
  expect(await create(token, key, { productId, rating: 4 })).toEqual({
    review: { ...first.review, title: 'Later', version: 2 },
    product: { averageRating: 3, reviewCount: 2 },
    ratingVersion: 1,
    userErrors: [],
  });
});

test('many at once, through both instances and within one batch, are one review and one answer', async () => {
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  const others = await Promise.all(Array.from({ length: 10 }, () => newUserToken()));
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, (_, i) => create(token, key, { productId }, apps[i % 2])),
    ...others.map((other, i) => create(other, i % 3 === 0 ? null : key, { productId }, apps[i % 2])),
  ]);
  const own = answers.slice(0, 20);
  expect(own.map(({ userErrors }) => userErrors)).toEqual(own.map(() => []));
  expect(new Set(own.map(({ review }) => review.id)).size).toBe(1);
  expect(new Set(own.map(({ ratingVersion }) => ratingVersion)).size).toBe(1);
  // The key of one caller is nobody else's.
  expect(new Set(answers.map(({ review }) => review.id)).size).toBe(11);
  for (const { product } of answers) expect(product).toMatchObject({ averageRating: 4 });
  expect((await snapshot(database.pool, productId))!.stars).toEqual([0, 0, 0, 11, 0]);
});

test('a repetition waits for the first where that waits for a lock, and others do not', async () => {
  const [token, key, productId, free] = [await newUserToken(), randomUUID(), await newProduct(), await newProduct()];
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [productId]);
  const first = create(token, key, { productId });
  await eventually('the first waits', async () => (await waitingFor('Lock')) === 1);
  const second = create(token, key, { productId }, apps[1]);
  await eventually('the second waits', async () => (await waitingFor('Lock')) === 2);
  for (let i = 0; i < 3; i += 1) {
    expect(await create(await newUserToken(), randomUUID(), { productId: free }, apps[1])).toMatchObject({
      userErrors: [],
    });
  }
  expect(await waitingFor('Lock')).toBe(2);
  await holder.query('COMMIT');
  holder.release();
  const { review, ratingVersion } = await first;
  expect([review.version, ratingVersion]).toEqual([1, 1]);
  expect(await second).toMatchObject({ review, ratingVersion, userErrors: [] });
});

async function waitingFor(event: string): Promise<number> {
  const { rowCount } = await database.pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = $1`,
    [event],
  );
  return rowCount!;
}

test('once the review is deleted, a repetition says that it was created, and creates no second one', async () => {
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  const { review } = await create(token, key, { productId });
  const remove = 'mutation ($id: ID!) { deleteReview(input: { id: $id }) { userErrors { code } } }';
  dataOf(await query(apps[0].origin, remove, { id: review.id }, { token }));
  expect(await create(token, key, { productId })).toEqual({
    review: null,
    product: { averageRating: null, reviewCount: 0 },
    ratingVersion: 1,
    userErrors: [],
  });
  const unnamed = await create(token, null, { productId });
  expect(unnamed).toMatchObject({ review: { version: 1 }, ratingVersion: 3 });
  await database.pool.query('DELETE FROM products WHERE id = $1', [productId]);
  expect(await create(token, key, { productId })).toEqual({
    review: null,
    product: null,
    ratingVersion: 1,
    userErrors: [],
  });
});

test('a refusal is stored like a success', async () => {
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  const standing = await create(token, null, { productId, title: 'Standing' });
  const refused = { review: standing.review, product: null, ratingVersion: null };
  const userErrors = [{ code: 'ALREADY_REVIEWED', field: ['input', 'productId'] }];
  for (const app of apps) expect(await create(token, key, { productId }, app)).toEqual({ ...refused, userErrors });
  const remove = 'mutation ($id: ID!) { deleteReview(input: { id: $id }) { userErrors { code } } }';
  dataOf(await query(apps[0].origin, remove, { id: standing.review.id }, { token }));
  expect(await create(token, key, { productId })).toEqual({ ...refused, review: null, userErrors });

  const [unknown, other] = [randomUUID(), randomUUID()];
  const notFound = [{ code: 'NOT_FOUND', field: ['input', 'productId'] }];
  expect(await create(token, other, { productId: unknown })).toMatchObject({ review: null, userErrors: notFound });
  await insertProduct(database.pool, { id: unknown });
  expect(await create(token, other, { productId: unknown })).toMatchObject({ review: null, userErrors: notFound });
});

test('another input or another mutation under the same key is refused, and nothing is stored', async () => {
  const [token, key, productId] = [await adminToken(), randomUUID(), await newProduct()];
  const first = await create(token, key, { productId, title: 'é', body: 'é' });
  const before = await contents(database.pool);
  const reused = { review: null, product: null, ratingVersion: null, userErrors: [KEY_REUSED] };
  for (const input of [
    { productId, rating: 5, title: 'é', body: 'é' },
    { productId, title: 'e', body: 'é' },
    // What is stored differs: texts are kept as they come, in NFC or NFD.
    { productId, title: 'é', body: 'e\u0301' },
    { productId, title: 'é' },
    { productId: await newProduct(), title: 'é', body: 'é' },
  ]) {
    expect(await create(token, key, input, apps[1])).toEqual(reused);
  }
  const product = `mutation ($key: String) { createProduct(input: { name: "New", price: { amount: "1", currencyCode: "EUR" } }, idempotencyKey: $key) { product { id } userErrors { code field } } }`;
  expect(dataOf(await query(apps[0].origin, product, { key }, { token })).createProduct).toEqual({
    product: null,
    userErrors: [KEY_REUSED],
  });
  const after = await contents(database.pool);
  expect({ ...after, products: before['products'], review_streams: before['review_streams'] }).toEqual(before);
  // The same: trimmed as it is stored, the id in capitals.
  expect(await create(token, key, { productId: productId.toUpperCase(), title: ' é ', body: 'é' })).toEqual(first);
});

test('absent and null are the same; a key that is null or absent is none', async () => {
  const [token, key] = [await newUserToken(), randomUUID()];
  const productId = await newProduct();
  const first = await create(token, key, { productId, title: null });
  expect(await create(token, key, { productId })).toEqual(first);
  for (const none of [null, undefined]) {
    expect((await create(token, none, { productId })).userErrors[0].code).toBe('ALREADY_REVIEWED');
  }
});

test.each([
  ['', 'idempotencyKey must have 1 to 255 characters, not 0'],
  ['k'.repeat(256), 'idempotencyKey must have 1 to 255 characters, not 256'],
  ['a key', 'idempotencyKey must be of visible ASCII characters: U+0020 at position 2 is none'],
  ['naïve', 'idempotencyKey must be of visible ASCII characters: U+00EF at position 3 is none'],
  ['nul\u0000', 'idempotencyKey must be of visible ASCII characters: U+0000 at position 4 is none'],
  ['🔑', 'idempotencyKey must be of visible ASCII characters: U+1F511 at position 1 is none'],
  ['half\ud800', 'idempotencyKey must be of visible ASCII characters: U+D800 at position 5 is none'],
])('the key %j is refused: %s', async (key, message) => {
  const productId = await newProduct();
  const before = await contents(database.pool);
  const { status, errors } = await ask(await newUserToken(), key, { productId });
  expect([status, errors[0]]).toEqual([
    400,
    expect.objectContaining({
      message,
      extensions: expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'idempotencyKey' }),
    }),
  ]);
  expect(await contents(database.pool)).toEqual(before);
});

test('the longest key of all characters that there are is one', async () => {
  const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('');
  const [token, productId] = [await newUserToken(), await newProduct()];
  const first = await create(token, visible.repeat(3).slice(0, 255), { productId });
  expect(await create(token, visible.repeat(3).slice(0, 255), { productId })).toEqual(first);
});

test('what is not decided uses up no key: an input that can be corrected, a request without a token', async () => {
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  expect((await create(token, key, { productId, rating: 6 })).userErrors[0].code).toBe('OUT_OF_RANGE');
  expect((await ask('', key, { productId })).errors[0]!.extensions.code).toBe('UNAUTHENTICATED');
  expect(await create(token, key, { productId })).toMatchObject({ ratingVersion: 1, userErrors: [] });
});

const CREATE_PRODUCT = `mutation ($input: CreateProductInput!, $key: String) { createProduct(input: $input, idempotencyKey: $key) { product { id name price { amount } } userErrors { code } } }`;

test('a product is created once, and answered as it is', async () => {
  const [token, key, externalId] = [await adminToken(), randomUUID(), randomUUID()];
  const send = async (amount: string, app = apps[0], name = 'Lamp'): Promise<Answer['data']> => {
    const input = { externalId, name, price: { amount, currencyCode: 'EUR' } };
    return dataOf(await query(app.origin, CREATE_PRODUCT, { input, key }, { token })).createProduct;
  };
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => send(i % 2 === 0 ? '9.5' : '9.50', apps[i % 2])),
  );
  const [first] = answers;
  expect(first).toMatchObject({ product: { name: 'Lamp', price: { amount: '9.50' } }, userErrors: [] });
  expect(answers).toEqual(answers.map(() => first));
  expect(await send('9.5', apps[1], 'Other')).toEqual({
    product: null,
    userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED' }],
  });

  await database.pool.query(`UPDATE products SET name = 'Renamed' WHERE id = $1`, [first.product.id]);
  expect((await send('9.5')).product.name).toBe('Renamed');
  await database.pool.query('DELETE FROM products WHERE id = $1', [first.product.id]);
  expect(await send('9.5')).toEqual({ product: null, userErrors: [] });

  const taken = { externalId, name: 'Lamp', price: { amount: '1', currencyCode: 'EUR' } };
  await database.pool.query(
    `INSERT INTO products (external_id, name, price_amount, price_currency) VALUES ($1, 'Lamp', 1, 'EUR')`,
    [externalId],
  );
  for (let i = 0; i < 2; i += 1) {
    const answer = dataOf(await query(apps[i]!.origin, CREATE_PRODUCT, { input: taken, key: `${key}-2` }, { token }));
    expect(answer.createProduct).toEqual({ product: null, userErrors: [{ code: 'EXTERNAL_ID_TAKEN' }] });
  }
});

test('an API is killed between the commit and its answer: the repetition finds the review', async () => {
  const app = await startAppProcess(database.env);
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  // The commit waits while its writer holds the stream, and the process is killed before it reads the answer.
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [productId]);
  const lost = expect(create(token, key, { productId }, app)).rejects.toThrow();
  await eventually('it waits', async () => (await waitingFor('Lock')) === 1);
  app.process.pause();
  await holder.query('COMMIT');
  holder.release();
  await eventually('it is committed', async () => (await outboxEvents(database.pool, productId)).length === 1);
  await app.dispose();
  await lost;
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM reviews WHERE product_id = $1', [
    productId,
  ]);
  expect(await create(token, key, { productId })).toMatchObject({
    review: { id: rows[0]!.id },
    ratingVersion: 1,
    userErrors: [],
  });
  expect(await outboxEvents(database.pool, productId)).toHaveLength(1);
});

test("the erasure of an author removes their keys, and nobody else's", async () => {
  const [subject, key, productId] = [randomUUID(), randomUUID(), await newProduct()];
  const [token, other] = [await signToken({ sub: subject }), await newUserToken()];
  await create(token, key, { productId });
  const kept = await create(other, key, { productId });
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM authors WHERE subject = $1', [subject]);
  const erase = 'mutation ($id: ID!) { eraseAuthor(input: { id: $id, reviews: DELETE }) { userErrors { code } } }';
  dataOf(await query(apps[0].origin, erase, { id: rows[0]!.id }, { token: await adminToken() }));
  const keys = await database.pool.query('SELECT FROM idempotency_keys WHERE subject = $1', [subject]);
  expect(keys.rowCount).toBe(0);
  expect(await create(other, key, { productId })).toMatchObject({ review: kept.review, userErrors: [] });
  expect(await create(token, key, { productId })).toMatchObject({ review: { version: 1 }, ratingVersion: 4 });
});

test('keys are kept for their time, and then free again', async () => {
  const app = await startTestApp({ ...database.env, IDEMPOTENCY_KEY_TTL_SECONDS: '3600' });
  const [token, key, productId] = [await newUserToken(), randomUUID(), await newProduct()];
  const first = await create(token, key, { productId });
  const age = (interval: string) =>
    database.pool.query(`UPDATE idempotency_keys SET created_at = now() - $2::interval WHERE key = $1`, [
      key,
      interval,
    ]);
  const remaining = async (): Promise<number> =>
    (await database.pool.query('SELECT FROM idempotency_keys WHERE key = $1', [key])).rowCount!;
  try {
    await age('59 minutes');
    await database.pool.query('SELECT remove_idempotency_keys(3600, 10)');
    expect(await create(token, key, { productId })).toEqual(first);
    await age('61 minutes');
    const later = await startTestApp({ ...database.env, IDEMPOTENCY_KEY_TTL_SECONDS: '3600' });
    await eventually('it is removed', async () => (await remaining()) === 0);
    await later.stop();
    expect((await create(token, key, { productId, rating: 1 })).userErrors[0].code).toBe('ALREADY_REVIEWED');
  } finally {
    await app.stop();
  }
});
