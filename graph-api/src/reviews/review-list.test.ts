import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;
let kettle: string;
let lamp: string;

/** Of the kettle: title, stars, body, moment, status. The lamp has one review like the first. */
const REVIEWS = [
  ['a', 5, 'Pours well.', '2026-01-01T00:00:00.000400Z', 'PUBLISHED'],
  ['b', 4, null, '2026-01-01T00:00:00.000500Z', 'PUBLISHED'],
  ['c', 5, null, '2026-01-02T00:00:00Z', 'PUBLISHED'],
  ['d', 1, 'Drips.', '2026-01-03T00:00:00Z', 'PUBLISHED'],
  ['e', 1, 'Bad words.', '2026-01-04T00:00:00Z', 'REJECTED'],
] as const;

beforeAll(async () => {
  database = await createTestDatabase();
  kettle = await insertProduct(database.pool, { name: 'Kettle' });
  lamp = await insertProduct(database.pool, { name: 'Lamp' });
  const insert = (product: string, review: readonly unknown[]) =>
    database.pool.query(
      'INSERT INTO reviews (product_id, title, rating, body, created_at, status) VALUES ($1, $2, $3, $4, $5, $6)',
      [product, ...review],
    );
  for (const review of REVIEWS) await insert(kettle, review);
  await insert(lamp, ['z', 5, 'Bright.', '2026-01-01T00:00:00Z', 'PUBLISHED']);
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const OPERATION = `query ($id: ID!, $filter: ReviewFilter, $orderBy: ReviewOrder, $first: Int, $after: String) {
  product(id: $id) { reviews(filter: $filter, orderBy: $orderBy, first: $first, after: $after) { totalCount nodes { title } pageInfo { endCursor } } }
  reviews(filter: $filter, orderBy: $orderBy) { totalCount nodes { title } } }`;
const OLDEST_FIRST = { field: 'CREATED_AT', direction: 'ASC' };

const list = (variables: object, token?: string): Promise<Answer> =>
  query(app.origin, OPERATION, { id: kettle, orderBy: OLDEST_FIRST, ...variables }, { token });

interface List {
  readonly totalCount: number;
  readonly nodes: Array<{ title: string }>;
}

function titles({ totalCount, nodes }: List): string {
  const found = nodes.map(({ title }) => title).join('');
  expect(totalCount).toBe(found.length);
  return found;
}

test.each<[object | null, string]>([
  [null, 'abcd'],
  [{}, 'abcd'],
  [{ ratings: [5] }, 'ac'],
  [{ ratings: [1, 5, 5] }, 'acd'],
  [{ ratings: [2] }, ''],
  [{ ratings: [] }, ''],
  [{ hasBody: true }, 'ad'],
  [{ hasBody: false }, 'bc'],
  [{ hasBody: false, ratings: [5] }, 'c'],
  [{ createdAt: { gte: '2026-01-02T00:00:00Z' } }, 'cd'],
  [{ createdAt: { lte: '2026-01-02T00:00:00Z' } }, 'abc'],
  // What callers read has milliseconds only.
  [{ createdAt: { gte: '2026-01-01T00:00:00.000Z', lte: '2026-01-01T00:00:00.000Z' } }, 'ab'],
  [{ createdAt: { gte: '2026-01-01T00:00:00.001Z', lte: '2026-01-01T23:59:59.999Z' } }, ''],
  [{ createdAt: { gte: '2026-01-03T01:00:00+01:00' } }, 'd'],
  [{ createdAt: { gte: '2026-01-03T00:00:00Z', lte: '2026-01-01T00:00:00Z' } }, ''],
  [{ createdAt: {} }, 'abcd'],
  [{ createdAt: { gte: '0001-01-01T00:00:00Z', lte: '9999-12-31T23:59:59.999Z' } }, 'abcd'],
  [{ statuses: ['PUBLISHED'] }, 'abcd'],
  [{ statuses: [] }, ''],
])('%j of a product, and of all', async (filter, expected) => {
  const data = dataOf(await list({ filter }));
  expect(titles(data.product.reviews as List)).toBe(expected);
  expect(titles(data.reviews as List).replace('z', '')).toBe(expected);
});

test('productId among the reviews of a product is a filter as any other', async () => {
  const of = async (productId: string) => dataOf(await list({ filter: { productId } })).product.reviews as List;
  expect(titles(await of(kettle))).toBe('abcd');
  expect(titles(await of(lamp))).toBe('');
});

test('RATING is by stars, of equal ones by id', async () => {
  const by = async (direction: string) =>
    titles(dataOf(await list({ orderBy: { field: 'RATING', direction } })).product.reviews as List);
  const [best, worst] = [await by('DESC'), await by('ASC')];
  expect(worst).toBe(Array.from(best).reverse().join(''));
  expect([['acbd', 'cabd'].includes(best), best]).toEqual([true, best]);
});

test.each([
  [{ filter: { ratings: [0] } }, 'filter.ratings'],
  [{ filter: { ratings: [6, 5] } }, 'filter.ratings'],
  [{ filter: { productId: 'x' } }, 'filter.productId'],
])('%j is refused', async (variables, argument) => {
  const { errors, status } = await list(variables);
  expect(status).toBe(400);
  expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
});

test.each([{ ratings: [1.5] }, { ratings: ['5'] }, { createdAt: { gte: 'yesterday' } }, { hasBody: 'yes' }])(
  '%j is no value of its type',
  async (filter) => {
    const { errors, status } = await list({ filter });
    expect([status, errors[0]!.extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
  },
);

test("a product's reviews that are not published are for admins, and a stranger gets no count of them", async () => {
  const stranger = await newUserToken('Eve');
  for (const [token, code] of [
    [stranger, 'FORBIDDEN'],
    [undefined, 'UNAUTHENTICATED'],
  ] as const) {
    const { data, errors } = await list({ filter: { statuses: ['REJECTED'] } }, token);
    expect([data, errors[0]!.extensions.code]).toEqual([null, code]);
  }
});

test('a cursor of another order, filter or list is refused', async () => {
  const cursorOf = async (variables: object): Promise<string> =>
    dataOf(await list({ first: 1, ...variables })).product.reviews.pageInfo.endCursor as string;
  const message = async (variables: object): Promise<string> => {
    const { errors } = await list(variables);
    expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'after' });
    return errors[0]!.message;
  };
  const after = await cursorOf({});
  expect(titles({ ...(dataOf(await list({ after })).product.reviews as List), totalCount: 3 })).toBe('bcd');
  expect(await message({ after, orderBy: { field: 'RATING', direction: 'ASC' } })).toContain(
    'the order CREATED_AT ASC',
  );
  expect(await message({ after, filter: { ratings: [5] } })).toContain('another filter');
  const filtered = await cursorOf({ filter: { ratings: [5] } });
  expect(await message({ after: filtered, filter: { ratings: [5], hasBody: true } })).toContain('another filter');
  const answer = await query(
    app.origin,
    'query ($after: String) { reviews(after: $after, orderBy: { field: CREATED_AT, direction: ASC }) { nodes { id } } }',
    { after },
  );
  expect(answer.errors[0]!.message).toContain('a cursor of another list');
});
