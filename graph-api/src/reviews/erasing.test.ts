import 'reflect-metadata';
import type { PoolClient } from 'pg';
import { newId } from '../graphql/ids.js';
import type { ReviewsContext } from './context.js';
import { ReviewResolver } from './review.resolver.js';
import { Review } from './review.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';

/** Erasing in one transaction while a request writes or reads in another: the request waits, then has a clear answer. */

let database: TestDatabase;
let app: TestApp;
let eraser: PoolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});
beforeEach(async () => {
  eraser = await database.pool.connect();
  await eraser.query('BEGIN');
});
afterEach(async () => {
  await eraser.query('ROLLBACK');
  eraser.release();
});

/** Runs the request, and commits the erasure once a statement of the request waits for it. */
async function whileErasing(request: () => Promise<Answer>): Promise<Answer> {
  const answer = request();
  await eventually('the request waits for the erasure', async () => {
    const { rows } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE '%remove_deleted_products%'`,
    );
    return rows.length === 1;
  });
  await eraser.query('COMMIT');
  return answer;
}

const create = (token: string, productId: string): Promise<Answer> =>
  query(
    app.origin,
    `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) {
       review { id author { displayName } } ratingVersion userErrors { code } } }`,
    { id: productId },
    { token },
  );
const update = (token: string, id: string): Promise<Answer> =>
  query(
    app.origin,
    'mutation ($id: ID!) { updateReview(input: { id: $id, rating: 1 }) { review { id } userErrors { code } } }',
    { id },
    { token },
  );
const remove = (token: string, id: string): Promise<Answer> =>
  query(
    app.origin,
    'mutation ($id: ID!) { deleteReview(input: { id: $id }) { deletedReviewId userErrors { code } } }',
    { id },
    { token },
  );

/** A product that Ada has reviewed. */
async function reviewed(): Promise<{ token: string; product: string; review: string }> {
  const [token, product] = await Promise.all([newUserToken('Ada'), insertProduct(database.pool)]);
  return { token, product, review: dataOf(await create(token, product)).createReview.review.id };
}

test('an author who is erased while they write a review is a new author', async () => {
  const { token, review } = await reviewed();
  const other = await insertProduct(database.pool);
  const { rows } = await eraser.query(
    `WITH erased AS (UPDATE reviews SET author_id = NULL FROM authors a WHERE reviews.id = $1 AND a.id = reviews.author_id
       RETURNING a.id) SELECT id FROM erased`,
    [review],
  );
  const { id: author } = rows[0] as { id: string };
  await eraser.query('DELETE FROM authors WHERE id = $1', [author]);

  const answer = dataOf(await whileErasing(() => create(token, other))).createReview;
  expect(answer).toMatchObject({ review: { author: { displayName: 'Ada' } }, userErrors: [], ratingVersion: 1 });
  const written = await database.pool.query('SELECT author_id FROM reviews WHERE product_id = $1', [other]);
  expect(written.rows).not.toEqual([{ author_id: author }]);
  expect(await snapshot(database.pool, other)).toEqual({ seq: 1, stars: [0, 0, 0, 1, 0] });
});

test('a review whose author is erased while they change it is someone else’s', async () => {
  const { token, review } = await reviewed();
  await eraser.query('UPDATE reviews SET author_id = NULL WHERE id = $1', [review]);
  const answer = await whileErasing(() => update(token, review));
  expect(answer.errors[0]!.extensions.code).toBe('FORBIDDEN');
});

test('a product that is erased while it is reviewed is NOT_FOUND', async () => {
  const { token, product } = await reviewed();
  await eraser.query('DELETE FROM products WHERE id = $1', [product]);
  const answer = dataOf(await whileErasing(async () => create(await newUserToken(), product))).createReview;
  expect(answer).toEqual({ review: null, ratingVersion: null, userErrors: [{ code: 'NOT_FOUND' }] });
  expect(token).toBeDefined();
});

test.each<[string, (token: string, id: string) => Promise<Answer>]>([
  ['changed', update],
  ['deleted', remove],
])('a review that is erased with its product while it is %s is NOT_FOUND', async (_what, mutate) => {
  const { token, product, review } = await reviewed();
  await eraser.query('DELETE FROM products WHERE id = $1', [product]);
  const data = dataOf(await whileErasing(() => mutate(token, review)));
  expect(Object.values(data)).toEqual([expect.objectContaining({ userErrors: [{ code: 'NOT_FOUND' }] })]);
});

test('a review that is erased while its author deletes it is NOT_FOUND', async () => {
  const { token, review } = await reviewed();
  await eraser.query('DELETE FROM reviews WHERE id = $1', [review]);
  expect(dataOf(await whileErasing(() => remove(token, review))).deleteReview.userErrors).toEqual([
    { code: 'NOT_FOUND' },
  ]);
});

test('a product that is deleted between its review and itself is a NOT_FOUND error, not a fault of ours', async () => {
  const review = Object.assign(new Review(), { productId: newId() });
  const products = { byId: { load: () => Promise.resolve(null) } };
  const answer = new ReviewResolver().product(review, { products } as unknown as ReviewsContext);
  await expect(answer).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
});

test('the review of a product that is deleted while it is read is none', async () => {
  const product = await insertProduct(database.pool);
  const review = await insertReview(database.pool, product, 5);
  await eraser.query('LOCK TABLE products IN ACCESS EXCLUSIVE MODE');
  await eraser.query('DELETE FROM products WHERE id = $1', [product]);
  const answer = await whileErasing(() =>
    query(app.origin, 'query ($id: ID!) { review(id: $id) { rating product { name } } }', { id: review }),
  );
  expect([answer.data, answer.errors]).toEqual([{ review: null }, []]);
});
