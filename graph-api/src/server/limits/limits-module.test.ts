import { COST, MAX_TEXT_LENGTHS, PAGE_SIZE, STARS } from '@exact-ratings/client';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query } from '../../testing/graphql.js';
import { startTestApp, type TestApp } from '../../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;
let productId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  productId = await insertProduct(database.pool);
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** The codes of a review's userErrors, and the fields that they are about. */
async function refusals(review: Record<string, unknown>): Promise<unknown[]> {
  const operation =
    'mutation ($input: CreateReviewInput!) { createReview(input: $input) { userErrors { code field } } }';
  const input = { productId, rating: 3, ...review };
  const { createReview } = dataOf(await query(app.origin, operation, { input }, { token: await newUserToken() }));
  return createReview.userErrors.map(({ code, field }: { code: string; field: string[] }) => [code, field.at(-1)]);
}

test('the SDK says what the API takes: texts and stars', async () => {
  const lengths = MAX_TEXT_LENGTHS.CreateReviewInput;
  const texts = (extra: number) =>
    Object.fromEntries(Object.entries(lengths).map(([field, length]) => [field, '💡'.repeat(length + extra)]));
  expect(await refusals({ ...texts(0), rating: STARS.min })).toEqual([]);
  expect(await refusals({ ...texts(0), rating: STARS.max })).toEqual([]);
  expect((await refusals(texts(1))).sort()).toEqual(
    Object.keys(lengths)
      .map((field) => ['TOO_LONG', field])
      .sort(),
  );
  for (const rating of [STARS.min - 1, STARS.max + 1]) {
    expect(await refusals({ rating })).toEqual([['OUT_OF_RANGE', 'rating']]);
  }
});

test('the SDK says what the API takes: pages and costs', async () => {
  const ask = (first: number) =>
    query(app.origin, `{ products(first: ${first}) { nodes { id } } }`, {}, { headers: { 'graphql-cost': 'report' } });
  const { text } = await ask(PAGE_SIZE.max);
  expect((JSON.parse(text) as { extensions: unknown }).extensions).toEqual({
    cost: { requested: COST.list + PAGE_SIZE.max * 2 * COST.field, limit: COST.max },
  });
  expect((await ask(PAGE_SIZE.max + 1)).errors[0]!.extensions.code).toBe('BAD_USER_INPUT');
});
