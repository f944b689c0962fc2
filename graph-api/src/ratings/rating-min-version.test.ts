import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';
import { dataOf, query } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { startPostgresProxy, type WireProxy } from '../testing/wire-proxy.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';

let database: TestDatabase;
let postgres: WireProxy<string>;
let redis: Redis;
let store: RatingStore;
let app: TestApp;
let product: string;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  redis = connectRedis();
  store = new RatingStore(redis, { ttlSeconds: 0 });
  app = await startTestApp({
    ...database.env,
    DATABASE_PORT: String(postgres.port),
    REDIS_COMMAND_TIMEOUT_MS: '10000',
  });
  const warm = await insertProduct(database.pool);
  await store.replace([{ productId: warm, seq: 0, stars: [0, 0, 0, 0, 0], eventTag: NO_EVENT_TAG }]);
  await eventually('Redis is connected', async () => (await read(warm)).source === 'CACHE');
});
afterAll(async () => {
  await app?.stop();
  redis?.disconnect();
  await postgres?.close();
  await database.drop();
});
beforeEach(async () => {
  product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 5);
  await insertReview(database.pool, product, 2);
});

/** Who answered is seen on the wire: PostgreSQL is asked for aggregates, or not. */
async function read(id: string, minRatingVersion?: number) {
  postgres.clear();
  const operation = `query ($id: ID!, $v: Int) { product(id: $id, minRatingVersion: $v) { rating { average count version distribution { stars count } } } }`;
  const { product: answer } = dataOf(await query(app.origin, operation, { id, v: minRatingVersion ?? null }));
  return {
    ...answer.rating,
    source: ratingStatements().some((text) => text.includes('stars_1')) ? 'DATABASE' : 'CACHE',
  };
}
const ratingStatements = (): string[] => postgres.seen.filter((text) => text.includes('rating_aggregates'));
const cacheHolds = (seq: number, stars: readonly [number, number, number, number, number]) =>
  store.replace([{ productId: product, seq, stars, eventTag: NO_EVENT_TAG }]);

test('without minRatingVersion the cache answers, old as it may be', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  postgres.clear();
  expect(await read(product)).toMatchObject({ average: 5, count: 1, version: 1, source: 'CACHE' });
  expect(ratingStatements()).toEqual([]);
});

test('a cache that holds the version asked for answers, without a statement', async () => {
  await cacheHolds(2, [0, 1, 0, 0, 1]);
  postgres.clear();
  for (const version of [0, 1, 2]) {
    expect(await read(product, version)).toMatchObject({ average: 3.5, version: 2, source: 'CACHE' });
  }
  expect(ratingStatements()).toEqual([]);
});

test('a cache that is behind gives way to SQL', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  expect(await read(product, 2)).toEqual({
    average: 3.5,
    count: 2,
    version: 2,
    source: 'DATABASE',
    distribution: [5, 4, 3, 2, 1].map((stars) => ({ stars, count: [2, 5].includes(stars) ? 1 : 0 })),
  });
});

test('a version from the future costs no aggregate where the cache is current', async () => {
  await cacheHolds(2, [0, 1, 0, 0, 1]);
  postgres.clear();
  expect(await read(product, 1_000_000)).toMatchObject({ version: 2, source: 'CACHE' });
  expect(ratingStatements()).toHaveLength(1);
  expect(ratingStatements()[0]).not.toContain('stars_1');
});

test('a version from the future and a cache that is behind: PostgreSQL answers what there is', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  expect(await read(product, 1_000_000)).toMatchObject({ version: 2, source: 'DATABASE' });
});

test('a cache ahead of SQL (a database restored to its past) does not answer for SQL', async () => {
  await cacheHolds(9, [9, 0, 0, 0, 0]);
  expect(await read(product, 10)).toMatchObject({ version: 2, count: 2, source: 'DATABASE' });
});

test('a miss reads SQL, fills Redis, and the next read is a hit', async () => {
  expect(await read(product, 2)).toMatchObject({ version: 2, average: 3.5, source: 'DATABASE' });
  await eventually('Redis is filled', async () => (await store.getMany([product]))[0]);
  expect(await read(product)).toMatchObject({ version: 2, average: 3.5, source: 'CACHE' });
});

test('a product without reviews: average null, five empty buckets, also from the cache', async () => {
  const empty = await insertProduct(database.pool);
  const nothing = {
    average: null,
    count: 0,
    version: 0,
    distribution: [5, 4, 3, 2, 1].map((stars) => ({ stars, count: 0 })),
  };
  expect(await read(empty)).toEqual({ ...nothing, source: 'DATABASE' });
  await eventually('Redis is filled', async () => (await store.getMany([empty]))[0]);
  expect(await read(empty)).toEqual({ ...nothing, source: 'CACHE' });
});

test('the ratingVersion of a mutation reads its own write, by another request and with a cold worker', async () => {
  await cacheHolds(2, [0, 1, 0, 0, 1]);
  const answer = await query(
    app.origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 5 }) { ratingVersion } }',
    { id: product },
    { token: await newUserToken() },
  );
  const { ratingVersion } = dataOf(answer).createReview;
  expect(await read(product, ratingVersion)).toMatchObject({ version: 3, count: 3, average: 4, source: 'DATABASE' });
  expect(await read(product)).toMatchObject({ version: 2, source: 'CACHE' });
});

test('all ratings of a product in an answer are of one version, wherever they are, at one level or several', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  await database.pool.query(`UPDATE products SET external_id = 'kettle' WHERE id = $1`, [product]);
  const rating =
    'averageRating reviewCount rating { version } reviews(first: 1) { totalCount nodes { product { averageRating } } }';
  const expected = {
    averageRating: 3.5,
    reviewCount: 2,
    rating: { version: 2 },
    reviews: { totalCount: 2, nodes: [{ product: { averageRating: 3.5 } }] },
  };
  for (const asked of [
    `product(id: "${product}", minRatingVersion: 2)`,
    'productByExternalId(externalId: "kettle", minRatingVersion: 2)',
  ]) {
    const text = `{ before: product(id: "${product}") { ${rating} } page: products(first: 1) { nodes { ${rating} } } ${asked} { id } after: product(id: "${product}") { ${rating} } }`;
    const data = dataOf(await query(app.origin, text));
    expect([data.before, data.page.nodes[0], data.after]).toEqual([expected, expected, expected]);
  }
});

test('by the externalId of nothing, and by that of a product', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  await database.pool.query(`UPDATE products SET external_id = 'pot' WHERE id = $1`, [product]);
  const text =
    '{ none: productByExternalId(externalId: "nothing", minRatingVersion: 9) { id } pot: productByExternalId(externalId: "pot", minRatingVersion: 2) { reviewCount } }';
  expect(dataOf(await query(app.origin, text))).toEqual({ none: null, pot: { reviewCount: 2 } });
});

test.each(['product(id: "%", minRatingVersion: -1)', 'productByExternalId(externalId: "a", minRatingVersion: -1)'])(
  'a negative version is refused: %s',
  async (field) => {
    const answer = await query(app.origin, `{ ${field.replace('%', product)} { averageRating } }`);
    expect(answer.errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'minRatingVersion' });
  },
);
