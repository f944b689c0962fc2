import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  for (const [i, sku] of ['Café 1', 'LAMP', 'POT'].entries()) {
    const id = await insertProduct(database.pool, { name: sku });
    await database.pool.query('UPDATE products SET external_id = $2 WHERE id = $1', [id, sku]);
    for (let n = 0; n <= i; n += 1) await insertReview(database.pool, id, 5);
  }
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const products = (externalIds: unknown[], fields = 'name reviewCount') =>
  query(app.origin, `query ($e: [String!]!) { productsByExternalIds(externalIds: $e) { ${fields} } }`, {
    e: externalIds,
  });

test('in their order, the same more than once, however they were typed, null where there is none', async () => {
  const asked = ['POT', 'none', ' \u200bLAMP', 'Cafe\u0301 1', 'POT', '', ' ', 'lamp', 'x'.repeat(5_000)];
  const { productsByExternalIds } = dataOf(await products(asked));
  const pot = { name: 'POT', reviewCount: 3 };
  expect(productsByExternalIds).toEqual([
    pot,
    null,
    { name: 'LAMP', reviewCount: 2 },
    { name: 'Café 1', reviewCount: 1 },
    pot,
    ...Array.from({ length: 4 }, () => null),
  ]);
  expect(dataOf(await products([])).productsByExternalIds).toEqual([]);
});

test('a product that is being deleted is gone, by the list and by itself', async () => {
  const id = await insertProduct(database.pool);
  await database.pool.query(`UPDATE products SET external_id = 'GONE', deleted_at = now() WHERE id = $1`, [id]);
  const text =
    '{ productsByExternalIds(externalIds: ["GONE", "POT"]) { name } productByExternalId(externalId: "GONE") { name } }';
  expect(dataOf(await query(app.origin, text))).toEqual({
    productsByExternalIds: [null, { name: 'POT' }],
    productByExternalId: null,
  });
});

test.each<[string, unknown[], string, RegExp]>([
  [
    '101 ids',
    Array.from({ length: 101 }, (_, i) => `sku ${i}`),
    'externalIds',
    /externalIds holds 101 ids: at most 100/,
  ],
  [
    'a control character',
    ['POT', 'a\u0000b'],
    'externalIds[1]',
    /externalIds\[1\] has a control character \(U\+0000\) at position 2/,
  ],
  ['a lone surrogate', ['\ud800'], 'externalIds[0]', /externalIds\[0\]/],
  ['null in the list', ['POT', null], 'e[1]', /null/],
])('%s: refused, with what and where', async (_name, ids, argument, message) => {
  const { status, errors } = await products(ids);
  expect([status, errors[0]!.extensions.code, errors[0]!.extensions.argument]).toEqual([
    400,
    'BAD_USER_INPUT',
    argument,
  ]);
  expect(errors[0]!.message).toMatch(message);
});
