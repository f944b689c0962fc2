import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

const REVIEWS = 100_000;

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
});

test('a product with very many reviews is gone at once, with one event, and its reviews are removed behind that', async () => {
  const product = await insertProduct(database.pool);
  const review = await insertReview(database.pool, product, 4);
  const loader = await database.pool.connect();
  await loader.query("SET session_replication_role = 'replica'");
  await loader.query('INSERT INTO reviews (product_id, rating) SELECT $1, 5 FROM generate_series(1, $2)', [
    product,
    REVIEWS,
  ]);
  await loader.query(`UPDATE products SET external_id = 'sku' WHERE id = $1`, [product]);
  loader.release(true);

  const answer = await query(
    app.origin,
    'mutation ($id: ID!) { deleteProduct(input: { id: $id }) { deletedProductId userErrors { code } } }',
    { id: product },
    { token: await adminToken() },
  );
  expect(dataOf(answer).deleteProduct).toEqual({ deletedProductId: product, userErrors: [] });

  // Answered before the reviews are removed.
  const { rows } = await database.pool.query('SELECT count(*)::integer AS left FROM reviews WHERE product_id = $1', [
    product,
  ]);
  expect((rows as Array<{ left: number }>)[0]!.left).toBeGreaterThan(0);
  const gone = dataOf(
    await query(
      app.origin,
      `{ product(id: "${product}") { id } review(id: "${review}") { id } productByExternalId(externalId: "sku") { id }
         products { nodes { id } totalCount } }`,
    ),
  );
  expect(gone).toEqual({
    product: null,
    review: null,
    productByExternalId: null,
    products: { nodes: [], totalCount: 0 },
  });
  expect(await snapshot(database.pool, product)).toBeNull();
  const late = await query(
    app.origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { userErrors { code } } }',
    { id: product },
    { token: await newUserToken() },
  );
  expect(dataOf(late).createReview.userErrors).toEqual([{ code: 'NOT_FOUND' }]);

  await eventually(
    'everything is removed',
    async () => (await database.pool.query('SELECT FROM products WHERE id = $1', [product])).rowCount === 0,
    30_000,
  );
  const left = await database.pool.query('SELECT FROM reviews WHERE product_id = $1', [product]);
  expect(left.rowCount).toBe(0);
  const events = await outboxEvents(database.pool, product);
  expect(events.map(({ type, seq }) => [type, seq])).toEqual([
    ['review-created', 1],
    ['product-deleted', 2],
  ]);
}, 60_000);
