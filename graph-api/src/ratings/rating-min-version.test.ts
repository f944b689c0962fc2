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

async function read(id: string, minVersion?: number) {
  const operation = `query ($id: ID!, $v: Int) { product(id: $id) { rating(minVersion: $v) { average count version source distribution { stars count } } } }`;
  return dataOf(await query(app.origin, operation, { id, v: minVersion ?? null })).product.rating;
}
const ratingStatements = (): string[] => postgres.seen.filter((text) => text.includes('rating_aggregates'));
const cacheHolds = (seq: number, stars: readonly [number, number, number, number, number]) =>
  store.replace([{ productId: product, seq, stars, eventTag: NO_EVENT_TAG }]);

test('without minVersion the cache answers, old as it may be', async () => {
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

test('all rating fields of a product are of one version, whichever of them asks for it', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  const fields =
    'averageRating reviewCount rating { version } reviews { totalCount } again: rating(minVersion: 2) { version average }';
  const { product: answer } = dataOf(await query(app.origin, `{ product(id: "${product}") { ${fields} } }`));
  expect(answer).toEqual({
    averageRating: 3.5,
    reviewCount: 2,
    rating: { version: 2 },
    reviews: { totalCount: 2 },
    again: { version: 2, average: 3.5 },
  });
});

test('a version asked for at a lower level of the query is answered there', async () => {
  await cacheHolds(1, [0, 0, 0, 0, 1]);
  const below = 'reviews(first: 1) { nodes { product { rating(minVersion: 2) { version } } } }';
  const { product: answer } = dataOf(await query(app.origin, `{ product(id: "${product}") { ${below} } }`));
  expect(answer.reviews.nodes).toEqual([{ product: { rating: { version: 2 } } }]);
});

test('a negative version is refused', async () => {
  const answer = await query(app.origin, '{ product(id: "' + product + '") { rating(minVersion: -1) { count } } }');
  expect(answer.errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'minVersion' });
});
