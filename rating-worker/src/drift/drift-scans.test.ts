import { randomUUID } from 'node:crypto';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore, type RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readRatingWorkerConfig } from '../config.js';
import type { ScanConfig } from './scan-config.js';
import { createMetrics, type WorkerMetrics } from '../metrics.js';
import { Rebuilder } from '../ratings/rating-rebuilder.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { findDifferences } from '../testing/test-data.js';
import { openTestServers, type TestServers } from '../testing/test-servers.js';
import { Healer } from './drift-repairer.js';
import { Passes, type PassReport } from './drift-scans.js';
import { RateLimiter } from './rate-limiter.js';
import { RecentProducts } from '../reconciler/recent-products.js';

const LEAP = 1_000_000;
const never = new AbortController().signal;
const config: ScanConfig = {
  ...readRatingWorkerConfig({}).reconciler,
  graceMs: 100,
  pageSize: 10,
  pageIntervalMs: 0,
  rebuildsPerSecond: 100_000,
};

let servers: TestServers;
let store: RatingStore;
let metrics: WorkerMetrics;

beforeAll(async () => {
  servers = await openTestServers();
}, 180_000);

beforeEach(async () => {
  await servers.redis.flushall();
  await servers.pool.query('DELETE FROM products');
  await servers.pool.query('DELETE FROM outbox');
  store = new RatingStore(servers.redis, { ttlSeconds: 0 });
  metrics = createMetrics();
});

afterAll(() => servers?.stop());

function createPasses(changed: Partial<ScanConfig> = {}, keysExpire = false): Passes {
  const merged = { ...config, ...changed };
  const logger = createLogger('test', 'silent');
  const rebuilder = new Rebuilder(servers.pool, store, logger);
  const healer = new Healer(store, rebuilder, new RateLimiter(merged.rebuildsPerSecond), metrics, logger);
  return new Passes(store, servers.pool, healer, merged, metrics, keysExpire);
}

const seqPass = (): Promise<PassReport> => createPasses().forward({ content: false, refill: false }, never);
const contentPass = (): Promise<PassReport> => createPasses().forward({ content: true, refill: false }, never);

/** Products with reviews whose ratings in Redis equal SQL. */
async function ratedProducts(count: number): Promise<RatingAggregate[]> {
  const ids = await insertProducts(servers.pool, count);
  await insertReviews(servers.pool, ids, 4);
  return fill(ids);
}

async function fill(ids: readonly string[]): Promise<RatingAggregate[]> {
  const snapshots = await readRatingAggregates(servers.pool, ids);
  await store.replace(snapshots);
  return snapshots;
}

const idsOf = (products: readonly RatingAggregate[]): string[] => products.map(({ productId }) => productId);

async function lastSeq(productId: string): Promise<number> {
  return (await readRatingAggregates(servers.pool, [productId]))[0]!.seq;
}

async function expectExactNow(products: readonly RatingAggregate[]): Promise<void> {
  expect(await findDifferences(servers.pool, servers.redis, idsOf(products))).toEqual([]);
}

async function drifted(kind: string): Promise<number> {
  return (await metrics.drifted.get()).values.find(({ labels }) => labels.kind === kind)?.value ?? 0;
}

test('finds nothing where all is right, over many pages', async () => {
  const products = await ratedProducts(35);
  const missing = await insertProducts(servers.pool, 5);
  expect(await seqPass()).toEqual({ compared: 40, behind: 0, found: 0, healed: 0, restored: false });
  expect(await contentPass()).toEqual({ compared: 40, behind: 0, found: 0, healed: 0, restored: false });
  expect(await createPasses().reverse(never)).toMatchObject({ found: 0 });
  await expectExactNow(products);
  expect(await servers.redis.exists(ratingKeys(missing[0]!).state)).toBe(0);
});

test('rebuilds what stays behind', async () => {
  const products = await ratedProducts(12);
  await insertReviews(servers.pool, idsOf(products).slice(0, 3));
  expect(await seqPass()).toMatchObject({ compared: 12, behind: 0, found: 3, healed: 3 });
  expect(await drifted('stalled')).toBe(3);
  await expectExactNow(products);
});

test('takes what is behind and moves for lag', async () => {
  const [moving] = await ratedProducts(1);
  await insertReviews(servers.pool, [moving!.productId], 2);
  const pass = createPasses({ graceMs: 500 }).forward({ content: false, refill: false }, never);
  await eventually('it was compared', async () => (await metrics.compared.get()).values.length > 0);
  await store.apply([
    { productId: moving!.productId, changes: [{ seq: moving!.seq + 1, previousRating: null, rating: null }] },
  ]);
  expect(await pass).toMatchObject({ behind: 1, found: 0 });
  expect((await metrics.behind.get()).values[0]!.value).toBe(1);
});

test('moves SQL forward where Redis is ahead, so that late events are seen', async () => {
  const products = await ratedProducts(3);
  const { productId, seq } = products[0]!;
  await store.replace([{ productId, seq: seq + 50, stars: [9, 0, 0, 0, 0] }]);
  expect(await seqPass()).toMatchObject({ found: 1, healed: 1, restored: true });
  await expectExactNow(products);
  expect(await lastSeq(productId)).toBe(seq + 50 + LEAP);
  expect(await lastSeq(products[1]!.productId)).toBe(products[1]!.seq);
  const ghosts = [1, 49, 51].map((by) => ({ seq: seq + by, previousRating: null, rating: 5 as const }));
  expect(await store.apply([{ productId, changes: ghosts }])).toMatchObject([
    { status: 'OK', applied: 0, duplicates: 3 },
  ]);
  await insertReviews(servers.pool, [productId]);
  expect(await lastSeq(productId)).toBe(seq + 51 + LEAP);
});

test('finds other counts at the same number in the content pass only', async () => {
  const products = await ratedProducts(12);
  const { productId, seq } = products[5]!;
  await store.replace([{ productId, seq, stars: [0, 0, 0, 0, 99] }]);
  expect(await seqPass()).toMatchObject({ found: 0 });
  expect(await contentPass()).toMatchObject({ compared: 12, found: 1, healed: 1, restored: true });
  expect(await drifted('content')).toBe(1);
  expect(await lastSeq(productId)).toBe(seq + LEAP);
  await expectExactNow(products);
});

test('brings a product back that Redis holds for deleted', async () => {
  const products = await ratedProducts(2);
  const { productId, seq } = products[0]!;
  await store.apply([{ productId, changes: [{ seq: seq + 7, deleted: true }] }]);
  expect(await seqPass()).toMatchObject({ found: 1, healed: 1, restored: true });
  expect(await lastSeq(productId)).toBe(seq + 7 + LEAP);
  await expectExactNow(products);
});

test.each<[string, (productId: string, seq: number) => Promise<unknown>]>([
  ['a lost average', (id) => servers.redis.del(ratingKeys(id).rating)],
  ['a lost count', (id) => servers.redis.del(ratingKeys(id).reviewCount)],
  ['a lost state', (id) => servers.redis.del(ratingKeys(id).state)],
  ['a corrupt average', (id) => servers.redis.set(ratingKeys(id).rating, 'NaN')],
  ['a corrupt count', (id) => servers.redis.set(ratingKeys(id).reviewCount, '-3')],
  ['a corrupt state', (id) => servers.redis.set(ratingKeys(id).state, 'abc')],
  [
    'a state of another type',
    (id) => servers.redis.del(ratingKeys(id).state).then(() => servers.redis.lpush(ratingKeys(id).state, 'x')),
  ],
  ['a state that does not fit the others', (id, seq) => servers.redis.set(ratingKeys(id).state, `${seq} 0 0 0 0 77`)],
  ['a number that no history can have', (id) => servers.redis.set(ratingKeys(id).state, '2147483647 0 0 0 0 1')],
])('heals %s', async (_, spoil) => {
  const products = await ratedProducts(2);
  await spoil(products[0]!.productId, products[0]!.seq);
  for (let pass = 0; pass < 2; pass += 1) await seqPass();
  await expectExactNow(products);
  expect(await lastSeq(products[0]!.productId)).toBeLessThan(2 * LEAP);
});

test('removes keys of products that SQL lacks, and leaves tombstones and foreign keys alone', async () => {
  const products = await ratedProducts(2);
  const [whole, corrupt, tombstone] = [randomUUID(), randomUUID(), randomUUID()];
  await store.replace([{ productId: whole, seq: 4, stars: [0, 0, 0, 0, 4] }]);
  await servers.redis.set(ratingKeys(corrupt).rating, '5');
  await store.apply([{ productId: tombstone, changes: [{ seq: 9, deleted: true }] }]);
  await servers.redis.set('product:not-a-uuid:rating', '5');
  expect(await createPasses().reverse(never)).toMatchObject({ found: 2, healed: 2 });
  expect(await servers.redis.keys(`product:${corrupt}:*`)).toEqual([]);
  expect(await servers.redis.keys(`product:${whole}:*`)).toEqual([ratingKeys(whole).state]);
  expect(await servers.redis.get(ratingKeys(whole).state)).toBe('5 deleted');
  expect(await servers.redis.get(ratingKeys(tombstone).state)).toBe('9 deleted');
  expect(await servers.redis.get('product:not-a-uuid:rating')).toBe('5');
  await expectExactNow(products);
});

test('gives a deletion on its way the time of grace', async () => {
  const [product] = await ratedProducts(1);
  await servers.pool.query('DELETE FROM products WHERE id = $1', [product!.productId]);
  const pass = createPasses({ graceMs: 500 }).reverse(never);
  await eventually('it was compared', async () => (await metrics.compared.get()).values.length > 0);
  await store.apply([{ productId: product!.productId, changes: [{ seq: product!.seq + 1, deleted: true }] }]);
  expect(await pass).toMatchObject({ found: 0 });
});

test('fills everything that has reviews after a loss', async () => {
  const products = await ratedProducts(25);
  const unreviewed = await insertProducts(servers.pool, 3);
  await servers.redis.flushall();
  expect(await createPasses().forward({ content: false, refill: true }, never)).toMatchObject({
    found: 25,
    healed: 25,
  });
  await expectExactNow(products);
  expect(await servers.redis.exists(ratingKeys(unreviewed[0]!).state)).toBe(0);
});

test('rebuilds no more a second than allowed', async () => {
  await ratedProducts(30);
  await servers.redis.flushall();
  const passes = createPasses({ rebuildsPerSecond: 20 });
  const began = Date.now();
  await passes.forward({ content: false, refill: true }, never);
  expect(Date.now() - began).toBeGreaterThan(450);
});

describe('the products consumed lately', () => {
  test('are rebuilt where what was written is gone, older, or corrupt', async () => {
    const products = await ratedProducts(4);
    const recent = new RecentProducts(60_000);
    for (const { productId, seq } of products) recent.note(productId, seq);
    const [gone, older, corrupt] = products;
    await store.delete([gone!.productId, older!.productId]);
    await store.replace([{ ...older!, seq: older!.seq - 1 }]);
    await servers.redis.set(ratingKeys(corrupt!.productId).rating, '9');
    const passes = createPasses({ graceMs: 0 });
    expect(await passes.recent(recent, never)).toMatchObject({ compared: 4, found: 3, healed: 3 });
    await expectExactNow(products);
    expect(await passes.recent(recent, never)).toMatchObject({ found: 0 });
  });

  test('that SQL lacks are forgotten, and absent keys are no loss where keys expire', async () => {
    const recent = new RecentProducts(60_000);
    const [product] = await ratedProducts(1);
    recent.note(randomUUID(), 3);
    recent.note(product!.productId, product!.seq);
    await servers.redis.flushall();
    expect(await createPasses({ graceMs: 0 }, true).recent(recent, never)).toMatchObject({ compared: 2, found: 0 });
    expect(await createPasses({ graceMs: 0 }).recent(recent, never)).toMatchObject({ compared: 2, found: 1 });
    expect(await createPasses({ graceMs: 0 }).recent(recent, never)).toMatchObject({ compared: 1, found: 0 });
  });
});

describe('advance_review_sequence', () => {
  const advance = async (id: string, atLeast: number): Promise<unknown> =>
    (await servers.pool.query<{ n: unknown }>('SELECT advance_review_sequence($1, $2) AS n', [id, atLeast])).rows[0]!.n;

  test('moves only forward and answers the number that holds', async () => {
    const [{ productId, seq }] = (await ratedProducts(1)) as [RatingAggregate];
    expect(await advance(productId, 100)).toBe(100);
    expect(await advance(productId, seq)).toBe(100);
    expect(await lastSeq(productId)).toBe(100);
    expect(await advance(randomUUID(), 5)).toBeNull();
  });

  test('is all that the role of a worker may do beside reading the view', async () => {
    const { pool } = servers;
    const [{ productId }] = (await ratedProducts(1)) as [RatingAggregate];
    await pool.query('CREATE ROLE some_worker; GRANT SELECT ON rating_aggregates TO some_worker');
    const client = await pool.connect();
    try {
      await client.query('SET ROLE some_worker');
      await expect(client.query('SELECT advance_review_sequence($1, 9)', [productId])).rejects.toThrow('permission');
      await client.query(
        'RESET ROLE; GRANT EXECUTE ON FUNCTION advance_review_sequence TO some_worker; SET ROLE some_worker',
      );
      await client.query('SELECT advance_review_sequence($1, 9)', [productId]);
      expect((await client.query('SELECT FROM rating_aggregates')).rowCount).toBe(1);
      await expect(client.query('UPDATE review_streams SET last_seq = 1')).rejects.toThrow('permission');
      await expect(client.query('SELECT FROM reviews')).rejects.toThrow('permission');
    } finally {
      client.release(true);
    }
  });
});
