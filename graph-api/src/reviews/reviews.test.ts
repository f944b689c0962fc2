import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';
import { newId } from '../graphql/ids.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { changes, insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken, signToken } from '@exact-ratings/stack/testing/tokens.js';

let database: TestDatabase;
let redis: Redis;
let store: RatingStore;
let app: TestApp;
let user: string;
let product: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  redis = connectRedis();
  store = new RatingStore(redis, { ttlSeconds: 0 });
});
afterAll(async () => {
  await app?.stop();
  redis.disconnect();
  await database.drop();
});
beforeEach(async () => {
  product = await insertProduct(database.pool);
  user = await newUserToken('Ada');
});

const REVIEW = 'id rating title body version createdAt updatedAt author { id displayName } product { id }';
const PAYLOAD = `review { ${REVIEW} } product { id averageRating reviewCount rating { version } } ratingVersion userErrors { code field message __typename }`;

const create = (input: object, token: string | undefined = user): Promise<Answer> =>
  query(
    app.origin,
    `mutation ($input: CreateReviewInput!) { createReview(input: $input) { ${PAYLOAD} } }`,
    { input: { productId: product, rating: 4, ...input } },
    { token },
  );
const update = (input: object, token: string | undefined = user): Promise<Answer> =>
  query(
    app.origin,
    `mutation ($input: UpdateReviewInput!) { updateReview(input: $input) { ${PAYLOAD} } }`,
    { input },
    { token },
  );
const remove = (id: string, token: string | undefined = user, expectedVersion?: number): Promise<Answer> =>
  query(
    app.origin,
    `mutation ($id: ID!, $expectedVersion: Int) { deleteReview(input: { id: $id, expectedVersion: $expectedVersion }) {
       deletedReviewId ${PAYLOAD.slice(PAYLOAD.indexOf('product { id averageRating'))} } }`,
    { id, expectedVersion },
    { token },
  );
const get = async (id: string) =>
  dataOf(await query(app.origin, `query ($id: ID!) { review(id: $id) { ${REVIEW} } }`, { id })).review;
const created = async (input: object = {}, token?: string) => dataOf(await create(input, token)).createReview.review;

describe('create', () => {
  test('stores what was given, numbers it, and shows the product with the change', async () => {
    const body = 'Sehr gut 👍🏽\n\tمرحبا — "quotes" \'); DELETE FROM reviews; -- <script>alert(1)</script>';
    const { createReview } = dataOf(await create({ rating: 5, title: 'Great', body }));
    expect(createReview).toMatchObject({
      review: { rating: 5, title: 'Great', body, version: 1, author: { displayName: 'Ada' }, product: { id: product } },
      product: { id: product, averageRating: 5, reviewCount: 1, rating: { version: 1 } },
      ratingVersion: 1,
      userErrors: [],
    });
    expect(await get(createReview.review.id)).toEqual(createReview.review);
    expect(changes(await outboxEvents(database.pool, product))).toEqual([[1, 'review-created', null, 5]]);
  });

  test('a rating without words', async () => {
    for (const input of [{}, { title: null, body: null }]) {
      expect(await created(input, await newUserToken())).toMatchObject({ rating: 4, title: null, body: null });
    }
  });

  test('the payload shows the change also while Redis holds an old rating', async () => {
    await insertReview(database.pool, product, 1);
    await store.replace([{ productId: product, seq: 1, stars: [1, 0, 0, 0, 0], eventTag: NO_EVENT_TAG }]);
    expect(dataOf(await create({ rating: 5 })).createReview).toMatchObject({
      product: { averageRating: 3, reviewCount: 2, rating: { version: 2 } },
      ratingVersion: 2,
    });
    // The payload does not touch Redis: that is the worker's.
    expect(await redis.get(ratingKeys(product).state)).toBe('1 1 0 0 0 0 00000000');
  });

  test('one review an author and product, also when 20 come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => create({ rating: 1 + (i % 5) })));
    const payloads = answers.map((answer) => dataOf(answer).createReview);
    const refused = payloads.filter(({ userErrors }) => userErrors.length > 0);
    expect(refused).toHaveLength(19);
    const { review } = payloads.find(({ userErrors }) => userErrors.length === 0);
    expect(review).not.toBeNull();
    for (const payload of refused) {
      expect(payload).toEqual({
        // The one that stands, so that its author can go on with it.
        review,
        product: null,
        ratingVersion: null,
        userErrors: [
          {
            code: 'ALREADY_REVIEWED',
            field: ['input', 'productId'],
            message: expect.any(String) as string,
            __typename: 'UserError',
          },
        ],
      });
    }
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
    expect(await snapshot(database.pool, product)).toMatchObject({ seq: 1 });
  });

  test('an unknown product is NOT_FOUND, and no author is made for it', async () => {
    const before = (await database.pool.query('SELECT FROM authors')).rowCount;
    expect(dataOf(await create({ productId: newId() })).createReview).toMatchObject({
      review: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['input', 'productId'] }],
    });
    expect((await database.pool.query('SELECT FROM authors')).rowCount).toBe(before);
  });

  test('a product deleted at the same moment is NOT_FOUND', async () => {
    const deleting = await database.pool.connect();
    await deleting.query('BEGIN');
    await deleting.query('DELETE FROM products WHERE id = $1', [product]);
    const answer = create({});
    const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    while ((await database.pool.query(waiting)).rowCount === 0);
    await deleting.query('COMMIT');
    deleting.release();
    expect(dataOf(await answer).createReview.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
});

describe('update', () => {
  test('absent fields stay, null clears, each change has its number', async () => {
    const { id } = await created({ title: 'T', body: 'B' });
    expect(dataOf(await update({ id, rating: 1 })).updateReview).toMatchObject({
      review: { rating: 1, title: 'T', body: 'B', version: 2 },
      product: { averageRating: 1, reviewCount: 1 },
      ratingVersion: 2,
      userErrors: [],
    });
    expect(dataOf(await update({ id, title: null })).updateReview.review).toMatchObject({ title: null, body: 'B' });
    expect(dataOf(await update({ id, body: null })).updateReview.review).toMatchObject({ rating: 1, body: null });
    expect(dataOf(await update({ id, title: 'New', body: 'Text' })).updateReview.review).toMatchObject({ version: 5 });
    expect(changes(await outboxEvents(database.pool, product))).toEqual([
      [1, 'review-created', null, 4],
      [2, 'review-updated', 4, 1],
      [3, 'review-updated', 1, 1],
      [4, 'review-updated', 1, 1],
      [5, 'review-updated', 1, 1],
    ]);
  });

  test('what changes nothing takes no version and no number', async () => {
    const review = await created({ title: 'T' });
    const { id } = review;
    for (const input of [{ id }, { id, rating: 4 }, { id, title: 'T', body: null, expectedVersion: 1 }]) {
      expect(dataOf(await update(input)).updateReview).toMatchObject({ review, ratingVersion: 1, userErrors: [] });
    }
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
  });

  test('rating must not be null', async () => {
    const { id } = await created();
    expect(dataOf(await update({ id, rating: null })).updateReview.userErrors).toMatchObject([
      { code: 'INVALID', field: ['input', 'rating'] },
    ]);
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
  });

  test('expectedVersion refuses lost updates; of 10 at once one succeeds', async () => {
    const { id } = await created();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => update({ id, expectedVersion: 1, body: `text ${i}` })),
    );
    const payloads = answers.map((answer) => dataOf(answer).updateReview);
    const refused = payloads.filter(({ userErrors }) => userErrors.length > 0);
    expect(refused).toHaveLength(9);
    // All show the review as it is now, author and all.
    const { review } = payloads.find(({ userErrors }) => userErrors.length === 0);
    expect(review).toMatchObject({ version: 2, author: { displayName: 'Ada' } });
    for (const payload of refused) expect(payload).toMatchObject({ review, product: null, ratingVersion: null });
    expect(refused[0].userErrors).toMatchObject([{ code: 'VERSION_CONFLICT', field: ['input', 'expectedVersion'] }]);
    expect(await outboxEvents(database.pool, product)).toHaveLength(2);
    expect(dataOf(await update({ id, expectedVersion: 1 })).updateReview.userErrors).toMatchObject([
      { code: 'VERSION_CONFLICT' },
    ]);
  });

  test('8 edits at once through the API keep the chain of previous ratings unbroken', async () => {
    const { id } = await created();
    await Promise.all(Array.from({ length: 8 }, (_, i) => update({ id, rating: 1 + (i % 5) })));
    const events = await outboxEvents(database.pool, product);
    events.slice(1).forEach(({ payload }, i) => expect(payload.previousRating).toBe(events[i]!.payload.rating));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  });

  test("another's review is FORBIDDEN, for an admin too; an unknown one is NOT_FOUND", async () => {
    const review = await created();
    for (const token of [await newUserToken(), await adminToken()]) {
      const answer = await update({ id: review.id, rating: 1 }, token);
      expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
    }
    expect(await get(review.id)).toEqual(review);
    expect(dataOf(await update({ id: newId(), rating: 1 })).updateReview.userErrors).toMatchObject([
      { code: 'NOT_FOUND', field: ['input', 'id'] },
    ]);
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
  });
});

describe('delete', () => {
  test('by its author: the payload names the review and shows the product without it', async () => {
    const { id } = await created({ rating: 5 });
    await insertReview(database.pool, product, 2);
    expect(dataOf(await remove(id)).deleteReview).toEqual({
      deletedReviewId: id,
      product: { id: product, averageRating: 2, reviewCount: 1, rating: { version: 3 } },
      ratingVersion: 3,
      userErrors: [],
    });
    expect(await get(id)).toBeNull();
    expect(changes((await outboxEvents(database.pool, product)).slice(2))).toEqual([[3, 'review-deleted', 5, null]]);
    expect(dataOf(await remove(id)).deleteReview).toMatchObject({
      deletedReviewId: null,
      ratingVersion: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['input', 'id'] }],
    });
    // Free again for the same author.
    expect(await created({ rating: 3 })).toMatchObject({ rating: 3 });
  });

  test("another's is FORBIDDEN; an admin may delete any, also one without an author", async () => {
    const { id } = await created();
    const answer = await remove(id, await newUserToken());
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
    expect(dataOf(await remove(id, await adminToken())).deleteReview.deletedReviewId).toBe(id);
    const orphan = await insertReview(database.pool, product, 1);
    expect((await remove(orphan)).errors[0]!.extensions.code).toBe('FORBIDDEN');
    expect(dataOf(await remove(orphan, await adminToken())).deleteReview.deletedReviewId).toBe(orphan);
  });

  test('expectedVersion refuses to delete what was changed since', async () => {
    const { id } = await created();
    await update({ id, rating: 1 });
    for (const token of [user, await adminToken()]) {
      expect(dataOf(await remove(id, token, 1)).deleteReview).toMatchObject({
        deletedReviewId: null,
        ratingVersion: null,
        userErrors: [{ code: 'VERSION_CONFLICT', field: ['input', 'expectedVersion'] }],
      });
    }
    expect((await remove(id, await newUserToken(), 1)).errors[0]!.extensions.code).toBe('FORBIDDEN');
    expect(await get(id)).toMatchObject({ rating: 1, version: 2 });
    expect(await outboxEvents(database.pool, product)).toHaveLength(2);
    expect(dataOf(await remove(id, user, 2)).deleteReview.deletedReviewId).toBe(id);
    expect(dataOf(await remove(id, user, 2)).deleteReview.userErrors[0].code).toBe('NOT_FOUND');
  });
});

describe('who wrote it', () => {
  test('without a token nothing is written', async () => {
    const { id } = await created();
    for (const [operation, variables] of [
      [
        'mutation ($i: CreateReviewInput!) { createReview(input: $i) { ratingVersion } }',
        { i: { productId: product, rating: 4 } },
      ],
      ['mutation ($i: UpdateReviewInput!) { updateReview(input: $i) { ratingVersion } }', { i: { id, rating: 4 } }],
      ['mutation ($i: DeleteReviewInput!) { deleteReview(input: $i) { ratingVersion } }', { i: { id } }],
    ] as const) {
      const answer = await query(app.origin, operation, variables);
      expect([answer.status, answer.errors[0]!.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    }
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
  });

  test('the display name follows the token, on a refused creation and on an update too', async () => {
    const sub = newId();
    const as = (name?: string) => signToken(name === undefined ? { sub } : { sub, name });
    const review = await created({}, await as('Ada'));
    expect(review.author.displayName).toBe('Ada');
    await create({}, await as('Ada L.'));
    expect((await get(review.id)).author).toEqual({ id: review.author.id, displayName: 'Ada L.' });
    await update({ id: review.id, rating: 4 }, await as('Countess'));
    expect((await get(review.id)).author.displayName).toBe('Countess');
    expect(dataOf(await update({ id: review.id, rating: 2 }, await as())).updateReview.review.author.displayName).toBe(
      null,
    );
  });

  test.each([
    [undefined, null],
    ['', null],
    ['  \u0000\u202e ', null],
    [42, null],
    ['Zoë 👩‍🚀', 'Zoë 👩‍🚀'],
    ['a\u0000b\ud800', 'a b\ufffd'],
    ['𝒜'.repeat(300), '𝒜'.repeat(200)],
  ])('the name %j is shown as %j', async (name, shown) => {
    const token = await signToken({ sub: newId(), ...(name === undefined ? {} : { name }) });
    expect((await created({}, token)).author.displayName).toBe(shown);
  });

  test('one subject of two issuers is two authors', async () => {
    const sub = newId();
    const first = await created({}, await signToken({ sub, iss: 'https://a.example', name: 'A' }));
    const second = await created({}, await signToken({ sub, iss: 'https://b.example', name: 'B' }));
    expect(first.author.id).not.toBe(second.author.id);
    const answer = await update({ id: first.id, rating: 1 }, await signToken({ sub, iss: 'https://b.example' }));
    expect(answer.errors[0]!.extensions.code).toBe('FORBIDDEN');
  });

  test('the subject is never published, neither in an answer nor as an id', async () => {
    const sub = `subject-${newId()}`;
    const answer = await create({}, await signToken({ sub, name: 'A' }));
    expect(answer.text).not.toContain(sub);
    const { __schema } = dataOf(await query(app.origin, '{ __schema { types { name fields { name } } } }'));
    const names = (__schema.types as Array<{ fields: Array<{ name: string }> | null }>).flatMap(
      ({ fields }) => fields ?? [],
    );
    expect(names.map(({ name }) => name).filter((name) => /subject|^sub$|issuer|email/i.test(name))).toEqual([]);
  });
});

test('only published reviews are public', async () => {
  const pending = await insertReview(database.pool, product, 5, { status: 'PENDING' });
  const shown = await insertReview(database.pool, product, 3);
  expect(await get(pending)).toBeNull();
  const answer = await query(
    app.origin,
    `query ($id: ID!) { product(id: $id) { averageRating reviews { totalCount nodes { id author { id } } } } }`,
    { id: product },
  );
  expect(dataOf(answer).product).toEqual({
    averageRating: 3,
    reviews: { totalCount: 1, nodes: [{ id: shown, author: null }] },
  });
});
