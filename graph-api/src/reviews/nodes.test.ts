import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

const UNKNOWN = '00000000-0000-7000-8000-000000000000';

let database: TestDatabase;
let app: TestApp;
let ada: string;
let product: string;
let review: string;
let author: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  ada = await newUserToken('Ada');
  product = await insertProduct(database.pool, { name: 'Kettle' });
  const created = await query(
    app.origin,
    `mutation ($id: ID!) {
       createReview(input: { productId: $id, rating: 4, title: "Good", body: "Pours." }) { review { id author { id } } } }`,
    { id: product },
    { token: ada },
  );
  const written = dataOf(created).createReview.review as { id: string; author: { id: string } };
  review = written.id;
  author = written.author.id;
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const ANY = `__typename id
  ... on Product { name price { amount currencyCode } averageRating reviewCount reviews(first: 1) { nodes { title } } }
  ... on Review { rating title body helpfulCount status product { name reviewCount } author { displayName } }
  ... on Author { displayName }`;
const KETTLE = {
  __typename: 'Product',
  name: 'Kettle',
  price: { amount: '9.50', currencyCode: 'EUR' },
  averageRating: 4,
  reviewCount: 1,
  reviews: { nodes: [{ title: 'Good' }] },
};
const REVIEW = {
  __typename: 'Review',
  rating: 4,
  title: 'Good',
  body: 'Pours.',
  helpfulCount: 0,
  status: 'PUBLISHED',
  product: { name: 'Kettle', reviewCount: 1 },
  author: { displayName: 'Ada' },
};
const ADA = { __typename: 'Author', displayName: 'Ada' };

const nodes = (ids: string[], token?: string, fields = ANY) =>
  query(app.origin, `query ($ids: [ID!]!) { nodes(ids: $ids) { ${fields} } }`, { ids }, { token });

test('a product, a review and an author, each by its id, with all that it shows elsewhere', async () => {
  for (const [id, shown] of [
    [product, KETTLE],
    [review, REVIEW],
    [author, ADA],
  ] as const) {
    const one = await query(app.origin, `query ($id: ID!) { node(id: $id) { ${ANY} } }`, { id });
    expect(dataOf(one).node).toEqual({ id, ...shown });
  }
});

test('many, in their order, the same more than once, in capitals too, null where there is none', async () => {
  const ids = [author, UNKNOWN, product, review.toUpperCase(), product];
  expect(dataOf(await nodes(ids)).nodes).toEqual([
    { id: author, ...ADA },
    null,
    { id: product, ...KETTLE },
    { id: review, ...REVIEW },
    { id: product, ...KETTLE },
  ]);
  expect(dataOf(await nodes([])).nodes).toEqual([]);
});

test('of a type that is not asked for: its id and its type', async () => {
  expect(dataOf(await nodes([review, product], undefined, '__typename ... on Product { name }')).nodes).toEqual([
    { __typename: 'Review' },
    { __typename: 'Product', name: 'Kettle' },
  ]);
});

test('a review that is not public, by its author and admins alone; one of a deleted product by nobody', async () => {
  const other = await insertProduct(database.pool);
  const created = await query(
    app.origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 1 }) { review { id } } }',
    { id: other },
    { token: ada },
  );
  const { id } = dataOf(created).createReview.review as { id: string };
  await database.pool.query(`UPDATE reviews SET status = 'REJECTED' WHERE id = $1`, [id]);
  const read = async (token?: string) =>
    dataOf(await nodes([id], token, 'id ... on Review { status }')).nodes as unknown;
  for (const token of [ada, await adminToken()]) expect(await read(token)).toEqual([{ id, status: 'REJECTED' }]);
  for (const token of [undefined, await newUserToken()]) expect(await read(token)).toEqual([null]);

  const anonymous = await insertReview(database.pool, other, 3);
  await database.pool.query('UPDATE products SET deleted_at = now() WHERE id = $1', [other]);
  for (const token of [undefined, ada, await adminToken()]) {
    expect(dataOf(await nodes([other, anonymous, id], token)).nodes).toEqual([null, null, null]);
  }
});

test('an author who is being erased is gone', async () => {
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO authors (issuer, subject, erasure) VALUES (NULL, NULL, 'ANONYMIZE') RETURNING id`,
  );
  expect(dataOf(await nodes([rows[0]!.id])).nodes).toEqual([null]);
});

test.each<[string, string[], string, RegExp]>([
  ['101 ids', Array.from({ length: 101 }, () => UNKNOWN), 'ids', /ids holds 101 ids: at most 100 at once/],
  ['one that is no id', [UNKNOWN, 'kettle'], 'ids[1]', /ids\[1\] is not an id: a UUID is expected/],
])('%s: refused, with what and where', async (_name, ids, argument, message) => {
  const { status, errors } = await nodes(ids);
  expect([status, errors[0]!.extensions.code, errors[0]!.extensions.argument]).toEqual([
    400,
    'BAD_USER_INPUT',
    argument,
  ]);
  expect(errors[0]!.message).toMatch(message);
});

test('100 ids are answered; node refuses what is no id', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`);
  expect(dataOf(await nodes(ids)).nodes).toEqual(ids.map(() => null));
  const { status, errors } = await query(app.origin, '{ node(id: "x") { id } }');
  expect([status, errors[0]!.extensions]).toMatchObject([400, { code: 'BAD_USER_INPUT', argument: 'id' }]);
});
