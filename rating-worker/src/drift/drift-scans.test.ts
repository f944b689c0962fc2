import { randomUUID } from 'node:crypto';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore, type RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readRatingWorkerConfig } from '../config.js';
import type { ScanConfig } from './scan-config.js';
import { createMetrics, type WorkerMetrics } from '../metrics.js';
import { ProductRatings } from '../persistence/product-ratings.js';
import { AggregateReader } from '../ratings/aggregate-reader.js';
import { GuardedDatabase } from '../ratings/guarded-database.js';
import { RatingRebuilder } from '../ratings/rating-rebuilder.js';
import { SequenceAdvancer } from '../ratings/sequence-advancer.js';
import { SetAsideProducts } from '../ratings/set-aside-products.js';
import { RecentCheck } from '../reconciler/recent-check.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { findDifferences } from '../testing/test-data.js';
import { openTestServers, type TestServers } from '../testing/test-servers.js';
import { DriftRepairer } from './drift-repairer.js';
import { CatalogueScan, OrphanScan, runScan, type ScanParts, type ScanReport } from './drift-scans.js';
import { RateLimiter } from './rate-limiter.js';
import { RecentProducts } from '../reconciler/recent-products.js';

const ADVANCE_BY = 1_000_000;
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

function createParts(changed: Partial<ScanConfig> = {}): ScanParts {
  const merged = { ...config, ...changed };
  const logger = createLogger('test', 'silent');
  const database = new GuardedDatabase(servers.pool, logger);
  const setAside = new SetAsideProducts(8_000, metrics.setAside, logger);
  const reader = new AggregateReader(database, setAside);
  const rebuilder = new RatingRebuilder(reader, store);
  const advancer = new SequenceAdvancer(database, rebuilder, store, logger);
  const limiter = new RateLimiter(merged.rebuildsPerSecond);
  const repairer = new DriftRepairer({ store, rebuilder, advancer, limiter, metrics, logger });
  const ratings = new ProductRatings(database, { mean: 3.5, weight: 10 }, setAside);
  return { store, database, reader, repairer, ratings, config: merged, metrics };
}

const scanSequences = (changed?: Partial<ScanConfig>): Promise<ScanReport> =>
  runScan(new CatalogueScan('sequences', createParts(changed)), 0, never);
const scanCounts = (): Promise<ScanReport> => runScan(new CatalogueScan('counts', createParts()), 0, never);
const scanOrphans = (changed?: Partial<ScanConfig>): Promise<ScanReport> =>
  runScan(new OrphanScan(createParts(changed)), 0, never);

/** As after a loss of Redis's data. */
function refill(changed?: Partial<ScanConfig>): Promise<ScanReport> {
  const scan = new CatalogueScan('sequences', createParts(changed));
  scan.restart({ refill: true });
  return runScan(scan, 0, never);
}

/** The position of an event that PostgreSQL does not know. */
const eventAt = (seq: number) => ({ seq, eventTag: '0a1b2c3d' });

/** Products with reviews whose ratings in Redis equal PostgreSQL. */
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
  expect(await scanSequences()).toEqual({
    compared: 40,
    lagging: 0,
    found: 0,
    repaired: 0,
    uncounted: 0,
    timelineDiverged: false,
  });
  expect(await scanCounts()).toEqual({
    compared: 40,
    lagging: 0,
    found: 0,
    repaired: 0,
    uncounted: 0,
    timelineDiverged: false,
  });
  expect(await scanOrphans()).toMatchObject({ found: 0 });
  await expectExactNow(products);
  expect(await servers.redis.exists(ratingKeys(missing[0]!).state)).toBe(0);
});

test('rebuilds what stays behind', async () => {
  const products = await ratedProducts(12);
  await insertReviews(servers.pool, idsOf(products).slice(0, 3));
  expect(await scanSequences()).toMatchObject({ compared: 12, lagging: 0, found: 3, repaired: 3 });
  expect(await drifted('stalled')).toBe(3);
  await expectExactNow(products);
});

test('takes what is behind and moves for lag', async () => {
  const [moving] = await ratedProducts(1);
  await insertReviews(servers.pool, [moving!.productId], 2);
  const scan = scanSequences({ graceMs: 500 });
  await eventually('it was compared', async () => (await metrics.compared.get()).values.length > 0);
  await store.apply([
    { productId: moving!.productId, changes: [{ ...eventAt(moving!.seq + 1), previousRating: null, rating: null }] },
  ]);
  expect(await scan).toMatchObject({ lagging: 1, found: 0 });
  expect((await metrics.lagging.get()).values[0]!.value).toBe(1);
});

test('advances the sequence number in PostgreSQL where Redis is ahead, so that late events are duplicates', async () => {
  const products = await ratedProducts(3);
  const { productId, seq } = products[0]!;
  await store.replace([{ productId, ...eventAt(seq + 50), stars: [9, 0, 0, 0, 0] }]);
  expect(await scanSequences()).toMatchObject({ found: 1, repaired: 1, timelineDiverged: true });
  await expectExactNow(products);
  expect(await lastSeq(productId)).toBe(seq + 50 + ADVANCE_BY);
  expect(await lastSeq(products[1]!.productId)).toBe(products[1]!.seq);
  const discarded = [1, 49, 51].map((by) => ({ ...eventAt(seq + by), previousRating: null, rating: 5 as const }));
  expect(await store.apply([{ productId, changes: discarded }])).toMatchObject([
    { status: 'OK', applied: 0, duplicates: 3 },
  ]);
  await insertReviews(servers.pool, [productId]);
  expect(await lastSeq(productId)).toBe(seq + 51 + ADVANCE_BY);
});

test('finds another event of the same sequence number without counting', async () => {
  const products = await ratedProducts(12);
  const { productId, seq } = products[5]!;
  await store.replace([{ productId, ...eventAt(seq), stars: [0, 0, 0, 0, 99] }]);
  expect(await scanSequences()).toMatchObject({ compared: 12, found: 1, repaired: 1, timelineDiverged: true });
  expect(await drifted('fork')).toBe(1);
  expect(await lastSeq(productId)).toBe(seq + ADVANCE_BY);
  await expectExactNow(products);
});

test('finds other counts at the same event in the scan of counts only', async () => {
  const products = await ratedProducts(12);
  const { productId, seq } = products[5]!;
  await store.replace([{ ...products[5]!, stars: [0, 0, 0, 0, 99] }]);
  expect(await scanSequences()).toMatchObject({ found: 0 });
  expect(await scanCounts()).toMatchObject({ compared: 12, found: 1, repaired: 1, timelineDiverged: true });
  expect(await drifted('counts')).toBe(1);
  expect(await lastSeq(productId)).toBe(seq + ADVANCE_BY);
  await expectExactNow(products);
});

test('brings a product back that Redis holds for deleted', async () => {
  const products = await ratedProducts(2);
  const { productId, seq } = products[0]!;
  await store.apply([{ productId, changes: [{ ...eventAt(seq + 7), deleted: true }] }]);
  expect(await scanSequences()).toMatchObject({ found: 1, repaired: 1, timelineDiverged: true });
  expect(await lastSeq(productId)).toBe(seq + 7 + ADVANCE_BY);
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
  [
    'a state that does not fit the others',
    (id, seq) => servers.redis.set(ratingKeys(id).state, `${seq} 0 0 0 0 77 0a1b2c3d`),
  ],
  [
    'a sequence number that no history can have',
    (id) => servers.redis.set(ratingKeys(id).state, '2147483647 0 0 0 0 1 0a1b2c3d'),
  ],
])('repairs %s', async (_, spoil) => {
  const products = await ratedProducts(2);
  await spoil(products[0]!.productId, products[0]!.seq);
  for (let scan = 0; scan < 2; scan += 1) await scanSequences();
  await expectExactNow(products);
  expect(await lastSeq(products[0]!.productId)).toBeLessThan(2 * ADVANCE_BY);
});

test('removes keys of products that PostgreSQL lacks, and leaves tombstones and foreign keys alone', async () => {
  const products = await ratedProducts(2);
  const [whole, corrupt, tombstone] = [randomUUID(), randomUUID(), randomUUID()];
  await store.replace([{ productId: whole, ...eventAt(4), stars: [0, 0, 0, 0, 4] }]);
  await servers.redis.set(ratingKeys(corrupt).rating, '5');
  await store.apply([{ productId: tombstone, changes: [{ ...eventAt(9), deleted: true }] }]);
  await servers.redis.set('product:not-a-uuid:rating', '5');
  expect(await scanOrphans()).toMatchObject({ found: 2, repaired: 2 });
  expect(await servers.redis.keys(`product:${corrupt}:*`)).toEqual([]);
  expect(await servers.redis.keys(`product:${whole}:*`)).toEqual([ratingKeys(whole).state]);
  expect(await servers.redis.get(ratingKeys(whole).state)).toBe('5 deleted 00000000');
  expect(await servers.redis.get(ratingKeys(tombstone).state)).toBe('9 deleted 0a1b2c3d');
  expect(await servers.redis.get('product:not-a-uuid:rating')).toBe('5');
  await expectExactNow(products);
});

test('gives a deletion on its way the time of grace', async () => {
  const [product] = await ratedProducts(1);
  await servers.pool.query('DELETE FROM products WHERE id = $1', [product!.productId]);
  const scan = scanOrphans({ graceMs: 500 });
  await eventually('it was compared', async () => (await metrics.compared.get()).values.length > 0);
  await store.apply([{ productId: product!.productId, changes: [{ ...eventAt(product!.seq + 1), deleted: true }] }]);
  expect(await scan).toMatchObject({ found: 0 });
});

test('fills everything that has reviews after a loss', async () => {
  const products = await ratedProducts(25);
  const unreviewed = await insertProducts(servers.pool, 3);
  await servers.redis.flushall();
  expect(await refill()).toMatchObject({
    found: 25,
    repaired: 25,
  });
  await expectExactNow(products);
  expect(await servers.redis.exists(ratingKeys(unreviewed[0]!).state)).toBe(0);
});

test('rebuilds no more a second than allowed', async () => {
  await ratedProducts(30);
  await servers.redis.flushall();
  const began = Date.now();
  await refill({ rebuildsPerSecond: 20 });
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
    const check = new RecentCheck(recent, createParts({ graceMs: 0 }), false);
    expect(await check.run(never)).toMatchObject({ compared: 4, found: 3, repaired: 3 });
    await expectExactNow(products);
    expect(await check.run(never)).toMatchObject({ found: 0 });
  });

  test('that PostgreSQL lacks are dropped, and absent keys are no loss where keys expire', async () => {
    const recent = new RecentProducts(60_000);
    const [product] = await ratedProducts(1);
    recent.note(randomUUID(), 3);
    recent.note(product!.productId, product!.seq);
    await servers.redis.flushall();
    expect(await new RecentCheck(recent, createParts({ graceMs: 0 }), true).run(never)).toMatchObject({
      compared: 2,
      found: 0,
    });
    expect(await new RecentCheck(recent, createParts({ graceMs: 0 }), false).run(never)).toMatchObject({
      compared: 2,
      found: 1,
    });
    expect(await new RecentCheck(recent, createParts({ graceMs: 0 }), false).run(never)).toMatchObject({
      compared: 1,
      found: 0,
    });
  });
});

describe('persisted ratings', () => {
  const persist = (ids: readonly string[]): Promise<unknown> => createParts().ratings.persist(ids, { onlyDirty: true });

  test.each([
    ['a lost flag', 'UPDATE review_streams SET dirty = false WHERE product_id = $1', true],
    ['other counts', 'UPDATE product_ratings SET stars_2 = 7 WHERE product_id = $1', false],
    ['another weighted rating', 'UPDATE product_ratings SET weighted = 2 WHERE product_id = $1', false],
    ['a row ahead of its stream', 'UPDATE product_ratings SET seq = 900 WHERE product_id = $1', false],
    ['no row', 'DELETE FROM product_ratings WHERE product_id = $1', false],
  ])('%s: the scan of counts finds it and has it persisted', async (_, damage, change) => {
    const { pool } = servers;
    const products = await ratedProducts(3);
    const ids = products.map(({ productId }) => productId);
    await persist(ids);
    expect(await scanCounts()).toMatchObject({ compared: 3, found: 0 });
    if (change) {
      await insertReviews(pool, [ids[1]!]);
      await store.replace(await readRatingAggregates(pool, ids));
    }
    await pool.query(damage, [ids[1]]);
    expect(await scanCounts()).toMatchObject({ compared: 3, found: 1, repaired: 1 });
    expect(await scanCounts()).toMatchObject({ compared: 3, found: 0 });
    const { rows } = await pool.query('SELECT FROM persisted_ratings WHERE is_current AND NOT dirty');
    expect(rows).toHaveLength(3);
  });

  test('what waits for a pass is no finding', async () => {
    await ratedProducts(3);
    await servers.pool.query('UPDATE product_ratings SET stars_2 = 7');
    expect(await scanCounts()).toMatchObject({ compared: 3, found: 0 });
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
