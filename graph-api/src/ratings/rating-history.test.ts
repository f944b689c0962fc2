import { insertProduct, insertProducts } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { formatCursor } from '../pagination/cursor.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { startPostgresProxy, type WireProxy } from '../testing/wire-proxy.js';
import { RATING_HISTORY } from './rating-history-loader.js';

let database: TestDatabase;
let postgres: WireProxy<string>;
let app: TestApp;
let product: string;

const DAYS = ['2026-03-09', '2026-03-07', '2026-03-02', '2026-02-28', '2025-12-31'];

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  app = await startTestApp({ ...database.env, DATABASE_PORT: String(postgres.port) });
  product = await insertProduct(database.pool);
  await insertDays(product, DAYS);
});
afterAll(async () => {
  await app?.stop();
  await postgres?.close();
  await database.drop();
});

async function insertDays(id: string, days: readonly string[]): Promise<void> {
  await database.pool.query(
    `INSERT INTO product_rating_days
     SELECT $1, day, nth - 1, 0, 0, 0, 2 * (nth - 1) FROM unnest($2::date[]) WITH ORDINALITY AS d (day, nth)`,
    [id, days],
  );
}

const OPERATION = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  product(id: $id) { ratingHistory(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { day average count distribution { stars count } } } nodes { day }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }`;
const ask = (variables: object): Promise<Answer> => query(app.origin, OPERATION, { id: product, ...variables });
async function page(variables: object) {
  const { nodes, pageInfo } = dataOf(await ask(variables)).product.ratingHistory;
  return {
    days: (nodes as Array<{ day: string }>).map(({ day }) => day),
    ...(pageInfo as { startCursor: string; endCursor: string; hasNextPage: boolean; hasPreviousPage: boolean }),
  };
}

test('the days on which it moved, newest first, each with its rating', async () => {
  const { edges, nodes } = dataOf(await ask({})).product.ratingHistory;
  expect((nodes as Array<{ day: string }>).map(({ day }) => day)).toEqual(DAYS);
  const [none, some] = (edges as Array<{ node: unknown }>).map(({ node }) => node);
  const distribution = (five: number, one: number) =>
    [5, 4, 3, 2, 1].map((stars) => ({ stars, count: stars === 5 ? five : stars === 1 ? one : 0 }));
  expect(none).toEqual({ day: '2026-03-09', average: null, count: 0, distribution: distribution(0, 0) });
  expect(some).toEqual({ day: '2026-03-07', average: 11 / 3, count: 3, distribution: distribution(2, 1) });
});

test('pages in both directions', async () => {
  const first = await page({ first: 2 });
  expect(first).toMatchObject({ days: DAYS.slice(0, 2), hasNextPage: true, hasPreviousPage: false });
  const second = await page({ first: 2, after: first.endCursor });
  expect(second).toMatchObject({ days: DAYS.slice(2, 4), hasNextPage: true, hasPreviousPage: true });
  expect(await page({ first: 2, after: second.endCursor })).toMatchObject({ days: DAYS.slice(4), hasNextPage: false });
  expect(await page({ last: 1, before: second.startCursor })).toMatchObject({ days: [DAYS[1]], hasPreviousPage: true });
  expect(await page({ last: 2 })).toMatchObject({ days: DAYS.slice(3), hasNextPage: false, hasPreviousPage: true });
});

test('a product that has not moved has no days; a page of products is one statement more', async () => {
  const ids = await insertProducts(database.pool, 3);
  await insertDays(ids[1]!, ['2026-01-01', '2026-01-02']);
  const operation = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Product { id ratingHistory(first: 1) { nodes { day } pageInfo { hasNextPage } } } } }`;
  postgres.clear();
  const { nodes } = dataOf(await query(app.origin, operation, { ids }));
  expect((nodes as Array<{ ratingHistory: unknown }>).map(({ ratingHistory }) => ratingHistory)).toEqual([
    { nodes: [], pageInfo: { hasNextPage: false } },
    { nodes: [{ day: '2026-01-02' }], pageInfo: { hasNextPage: true } },
    { nodes: [], pageInfo: { hasNextPage: false } },
  ]);
  const statements = postgres.seen.filter((text) => !text.includes('prepare_session'));
  expect(statements.filter((text) => text.includes('product_rating_days'))).toHaveLength(1);
  expect(statements.length).toBeLessThanOrEqual(2);
});

test('bad pages are refused', async () => {
  const forged = (value: string): string => formatCursor(RATING_HISTORY, { value, id: product });
  const products = dataOf(await query(app.origin, '{ products(first: 1) { pageInfo { endCursor } } }'));
  for (const [variables, argument] of [
    [{ first: 101 }, 'first'],
    [{ first: 1, last: 1 }, 'last'],
    [{ after: 'x' }, 'after'],
    [{ after: forged('2026-02-30') }, 'after'],
    [{ after: forged('yesterday') }, 'after'],
    [{ before: products.products.pageInfo.endCursor }, 'before'],
  ] as const) {
    const { errors } = await ask(variables);
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([{ code: 'BAD_USER_INPUT', argument }]);
  }
});
