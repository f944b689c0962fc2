import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { RatingStore, type RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { Redis } from 'ioredis';
import { newId } from '../graphql/ids.js';
import { sharedServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { RatingCache } from './rating-cache.js';

const TIMEOUT_MS = 50;

const env = sharedServers().env;
const logger = createLogger('graph-api', 'silent');
let redis: Redis;
let store: RatingStore;

beforeAll(() => {
  redis = new Redis(Number(env['REDIS_PORT']), env['REDIS_HOST']!);
  store = new RatingStore(redis, { ttlSeconds: 60 });
});
afterAll(() => redis.disconnect());

const aggregates = (count: number): RatingAggregate[] =>
  Array.from({ length: count }, () => ({ productId: newId(), seq: 1, stars: [0, 0, 0, 0, 1], eventTag: NO_EVENT_TAG }));

/** Blocks this process, as a garbage collection or the validation of a huge query does. */
function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test('a stall of this process is not an outage of Redis', async () => {
  const ratings = aggregates(20);
  await store.replace(ratings);
  const cache = new RatingCache(store, TIMEOUT_MS, logger);
  for (let round = 0; round < 3; round += 1) {
    const reads = ratings.map(({ productId }) => cache.getMany([productId]));
    // The MGET is sent, and its answer not yet read.
    await new Promise(setImmediate);
    block(4 * TIMEOUT_MS);
    for (const [state] of await Promise.all(reads)) expect(state).toMatchObject({ seq: 1 });
  }
});

test('writes that fail do not stop reads', async () => {
  const ratings = aggregates(1);
  await store.replace(ratings);
  const failing = Object.create(store, {
    replace: { value: () => Promise.reject(new Error('OOM command not allowed')) },
  }) as RatingStore;
  const cache = new RatingCache(failing, 10_000, logger);
  for (let i = 0; i < 20; i += 1) {
    cache.fill(aggregates(1));
    await cache.stop();
  }
  expect((await cache.getMany([ratings[0]!.productId]))[0]).toMatchObject({ seq: 1 });
});

test('a fill of many ratings is made of calls that Redis can interrupt for others', async () => {
  const sizes: number[] = [];
  const watching = Object.create(store, {
    replace: { value: (part: RatingAggregate[]) => (sizes.push(part.length), store.replace(part)) },
  }) as RatingStore;
  const ratings = aggregates(250);
  const cache = new RatingCache(watching, 10_000, logger);
  cache.fill(ratings);
  await cache.stop();
  expect(sizes).toEqual([100, 100, 50]);
  const states = await cache.getMany(ratings.map(({ productId }) => productId));
  expect(states.filter((state) => state?.seq === 1)).toHaveLength(250);
});

test('what is asked for in one turn of the event loop is one MGET, and each gets its own', async () => {
  const sizes: number[] = [];
  const watching = Object.create(store, {
    getMany: { value: (ids: readonly string[]) => (sizes.push(ids.length), store.getMany(ids)) },
  }) as RatingStore;
  const ratings = aggregates(600).map((rating, i) => ({ ...rating, seq: i + 1 }));
  await store.replace(ratings);
  const cache = new RatingCache(watching, 10_000, logger);
  const ids = ratings.map(({ productId }) => productId);
  const asked = [ids.slice(0, 20), [newId(), ids[7]!], [], ids.slice(0, 470), ids];
  const answers = await Promise.all(asked.map((part) => cache.getMany(part)));
  const seqs = answers.map((states) => states.map((state) => state?.seq ?? null));
  const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
  expect(seqs).toEqual([upTo(20), [null, 8], [], upTo(470), upTo(600)]);
  // Together at most 500; a page of more is asked for by itself.
  expect(sizes).toEqual([492, 600]);
});
