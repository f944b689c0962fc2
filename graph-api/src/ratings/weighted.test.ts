import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp({ ...database.env, RATING_PRIOR_MEAN: '3', RATING_PRIOR_WEIGHT: '2' });
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const RATING = 'rating { average count weighted version }';

async function ratingOf(id: string): Promise<unknown> {
  return dataOf(await query(app.origin, `query ($id: ID!) { product(id: $id) { ${RATING} } }`, { id })).product.rating;
}

test('the weighted rating is made of the average and count beside it, whoever answers them', async () => {
  const product = await insertProduct(database.pool);
  expect(await ratingOf(product)).toEqual({ average: null, count: 0, weighted: null, version: 0 });
  await insertReview(database.pool, product, 5);
  await insertReview(database.pool, product, 4);
  const created = await query(
    app.origin,
    `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 3 }) { product { ${RATING} } } }`,
    { id: product },
    { token: await newUserToken() },
  );
  // (2 × 3 + 5 + 4 + 3) / (2 + 3)
  const expected = { average: 4, count: 3, weighted: 3.6, version: 3 };
  expect(dataOf(created).createReview.product.rating).toEqual(expected);

  const redis = connectRedis();
  const store = new RatingStore(redis, { ttlSeconds: 0 });
  const [aggregate] = await readRatingAggregates(database.pool, [product]);
  await store.delete([product]);
  expect(await ratingOf(product)).toEqual(expected);
  // Redis holds another rating, so it is Redis that answers.
  await store.replace([{ ...aggregate!, seq: 9, stars: [0, 0, 0, 0, 2] }]);
  expect(await ratingOf(product)).toEqual({ average: 5, count: 2, weighted: 4, version: 9 });
  redis.disconnect();
});
