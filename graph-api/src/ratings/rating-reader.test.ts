import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type { Redis } from 'ioredis';
import { RatingCache } from './rating-cache.js';
import { RatingReader } from './rating-reader.js';

let database: TestDatabase;
let redis: Redis;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = connectRedis();
});
afterAll(async () => {
  redis?.disconnect();
  await database.drop();
});

test('a read that others share, and that began before a write, is not answered to its writer', async () => {
  const cache = new RatingCache(new RatingStore(redis, { ttlSeconds: 0 }), 10_000, createLogger('graph-api', 'silent'));
  let asked = 0;
  let answerFirst = (): void => undefined;
  const held = new Promise<void>((resolve) => (answerFirst = resolve));
  const reader = new RatingReader(cache, {
    query: async (statement) => {
      const nth = (asked += 1);
      const answer = await database.pool.query(statement);
      if (nth === 1) await held;
      return answer;
    },
  });
  const productId = await insertProduct(database.pool);
  const stranger = reader.read([{ productId, askedVersion: 0, committedVersion: 0 }]);
  await eventually('PostgreSQL has read for the first', async () => asked === 1 && database.pool.idleCount > 0);

  await insertReview(database.pool, productId, 4);
  const own = reader.read([{ productId, askedVersion: 0, committedVersion: 1 }]);
  // Both wait for the same read by the time that Redis has answered.
  await cache.getMany([productId]);
  await new Promise(setImmediate);
  answerFirst();
  expect((await stranger)[0]).toMatchObject({ seq: 0 });
  expect((await own)[0]).toMatchObject({ seq: 1, stars: [0, 0, 0, 1, 0] });
  await cache.stop();
});
