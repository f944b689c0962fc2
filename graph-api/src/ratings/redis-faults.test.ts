import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import type { Stack } from '@exact-ratings/stack/stack.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';
import { dataOf, query } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { startPostgresProxy, type WireProxy } from '../testing/wire-proxy.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';

/** Long enough to tell a busy Redis from a frozen one. */
const COMMAND_TIMEOUT_MS = 300;
/** The circuit breaker lets one read try after a second, and that one waits. */
const PERIOD_OF_TRIES_MS = 1_000 + COMMAND_TIMEOUT_MS;

let servers: Stack;
let database: TestDatabase;
let postgres: WireProxy<string>;
let redis: Redis;
let app: TestApp;
let product: string;

beforeAll(async () => {
  [servers, database] = await Promise.all([startOwnServers('redis'), createTestDatabase()]);
  redis = connectRedis(servers.env);
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  app = await startTestApp({
    ...database.env,
    ...servers.env,
    DATABASE_PORT: String(postgres.port),
    REDIS_COMMAND_TIMEOUT_MS: String(COMMAND_TIMEOUT_MS),
  });
});
afterAll(async () => {
  await app?.stop();
  redis?.disconnect();
  await postgres?.close();
  await servers?.stop();
  await database?.drop();
});
beforeEach(async () => {
  product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 5);
  await insertReview(database.pool, product, 2);
});

interface Rating {
  readonly average: number;
  readonly count: number;
}

async function ratingOf(id: string, origin = app.origin): Promise<Rating> {
  const answer = await query(origin, `{ product(id: "${id}") { averageRating rating { average count } } }`);
  const { averageRating, rating } = dataOf(answer).product;
  expect(averageRating).toBe(rating.average);
  return rating;
}

/** Who answered is seen on the wire: PostgreSQL is asked for aggregates, or not. Nothing else may read meanwhile. */
async function read(id = product, origin = app.origin): Promise<Rating & { readonly source: 'CACHE' | 'DATABASE' }> {
  postgres.clear();
  const rating = await ratingOf(id, origin);
  return { ...rating, source: postgres.seen.some((text) => text.includes('rating_aggregates')) ? 'DATABASE' : 'CACHE' };
}

/** Reads so far for which Redis did not answer in time. */
const countTimeouts = (): number =>
  app.log.filter(
    ({ msg, err }) =>
      msg === 'ratings could not be read from Redis' && (err as { type: string }).type === 'DeadlineError',
  ).length;

const cached = () => eventually('Redis answers', async () => (await read()).source === 'CACHE');

test.each<[string, (keys: ReturnType<typeof ratingKeys>) => Promise<unknown>]>([
  ['no state', (keys) => redis.del(keys.state)],
  ['only an average', (keys) => redis.del(keys.state, keys.reviewCount)],
  ['a state of words', (keys) => redis.set(keys.state, 'two zero one zero zero one')],
  ['a negative state', (keys) => redis.set(keys.state, '2 0 -1 0 0 1')],
  ['half a state', (keys) => redis.set(keys.state, '2 0 1 0')],
  ['a state of huge numbers', (keys) => redis.set(keys.state, `2 ${'9'.repeat(400)} 0 0 0 0`)],
  ['a list for a state', async (keys) => (await redis.del(keys.state)) && redis.lpush(keys.state, 'x')],
  ['bytes that are no text', (keys) => redis.set(keys.state, Buffer.from([0, 255, 254, 10]))],
])('%s is a miss: PostgreSQL answers, and Redis is rebuilt', async (_name, spoil) => {
  await cached();
  await spoil(ratingKeys(product));
  expect(await read()).toMatchObject({ average: 3.5, count: 2, source: 'DATABASE' });
  await cached();
  expect(await read()).toMatchObject({ average: 3.5, count: 2, source: 'CACHE' });
});

test.each<[string, (keys: ReturnType<typeof ratingKeys>) => Promise<unknown>]>([
  ['an average of "abc"', (keys) => redis.set(keys.rating, 'abc')],
  ['another average', (keys) => redis.set(keys.rating, '4.5')],
  ['another count', (keys) => redis.set(keys.reviewCount, '3')],
  ['no average', (keys) => redis.del(keys.rating)],
  ['no count', (keys) => redis.del(keys.reviewCount)],
  ['a hash for an average', async (keys) => (await redis.del(keys.rating)) && redis.hset(keys.rating, 'a', '1')],
])('%s in the public keys is not looked at: the state answers', async (_name, spoil) => {
  await cached();
  await spoil(ratingKeys(product));
  expect(await read()).toMatchObject({ average: 3.5, count: 2, source: 'CACHE' });
  await redis.del(...Object.values(ratingKeys(product)));
});

test('FLUSHALL: reads go on, and Redis is filled again', async () => {
  await cached();
  await redis.flushall();
  expect(await read()).toMatchObject({ average: 3.5, count: 2, source: 'DATABASE' });
  await cached();
});

test('Redis frozen: reads wait for the short limit, then not at all, and use it again afterwards', async () => {
  await cached();
  servers.redis.pause();
  try {
    const opened = (): boolean => app.log.some(({ msg }) => String(msg).startsWith('Redis does not answer'));
    // Not at once: the answers of the last two seconds count as well.
    await eventually('the circuit opens', async () => {
      for (const rating of await Promise.all(Array.from({ length: 6 }, () => ratingOf(product)))) {
        expect(rating).toEqual({ average: 3.5, count: 2 });
      }
      return opened();
    });
    // One read tries from time to time, the others do not wait. Without the circuit breaker each of them would.
    const [before, began] = [countTimeouts(), performance.now()];
    expect(before).toBeGreaterThanOrEqual(5);
    for (let i = 0; i < 30; i += 1) await read();
    const tries = (performance.now() - began) / PERIOD_OF_TRIES_MS;
    expect(countTimeouts() - before).toBeLessThanOrEqual(1 + tries);

    const answer = await query(
      app.origin,
      'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 5 }) { product { averageRating reviewCount } } }',
      { id: product },
      { token: await newUserToken() },
    );
    expect(dataOf(answer).createReview.product).toEqual({ averageRating: 4, reviewCount: 3 });
  } finally {
    servers.redis.resume();
  }
  await cached();
});

test('Redis killed and started again: reads go on all the time', async () => {
  await cached();
  await servers.redis.kill();
  const before = countTimeouts();
  for (let i = 0; i < 20; i += 1) {
    expect(await read()).toEqual({ average: 3.5, count: 2, source: 'DATABASE' });
  }
  expect(countTimeouts()).toBe(before);
  await servers.redis.start({ empty: true });
  await cached();
});

test('Redis out of memory, or read-only: reads go on; it is filled once it takes writes again', async () => {
  await cached();
  const other = await insertProduct(database.pool);
  const readOther = async (): Promise<string> => (await read(other)).source;
  await redis.config('SET', 'maxmemory', '1');
  for (let i = 0; i < 8; i += 1) expect(await readOther()).toBe('DATABASE');
  expect(await read()).toMatchObject({ source: 'CACHE' });
  await redis.config('SET', 'maxmemory', '0');
  await eventually('the other product is filled', async () => (await readOther()) === 'CACHE');
});

test('the service starts while Redis is down, and uses it once it comes', async () => {
  await servers.redis.stop();
  const late = await startTestApp({ ...database.env, ...servers.env, DATABASE_PORT: String(postgres.port) });
  try {
    const source = async (): Promise<string> => (await read(product, late.origin)).source;
    expect(await source()).toBe('DATABASE');
    await servers.redis.start();
    await eventually('Redis answers', async () => (await source()) === 'CACHE');
  } finally {
    await late.stop();
  }
});
