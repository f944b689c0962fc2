import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { expectExact, readLag, relay } from './testing/test-data.js';
import {
  createPipeline,
  openTestServers,
  startWorker,
  stopWorkers,
  type TestPipeline,
  type TestServers,
} from './testing/test-servers.js';
import { createUncountableProducts, type UncountableProducts } from './testing/uncountable-products.js';

const LIMITED = { DATABASE_STATEMENT_TIMEOUT_MS: '500' };
const RECONCILED = {
  ...LIMITED,
  RECONCILER_ENABLED: 'true',
  RECONCILER_GRACE_MS: '100',
  RECONCILER_RECENT_INTERVAL_MS: '200',
  RECONCILER_SEQUENCE_SCAN_INTERVAL_MS: '200',
  RECONCILER_COUNTS_SCAN_INTERVAL_MS: '200',
};

let servers: TestServers;
let uncountable: UncountableProducts;

beforeAll(async () => {
  servers = await openTestServers();
  uncountable = await createUncountableProducts(servers.pool);
}, 180_000);
afterEach(async () => {
  await stopWorkers();
  await uncountable.clear();
  await servers.redis.flushall();
  await servers.pool.query('DELETE FROM products');
  await servers.pool.query('DELETE FROM outbox');
});
afterAll(() => servers?.stop());

async function expectCommitted(pipeline: TestPipeline): Promise<void> {
  await eventually(
    'the offsets are committed',
    async () => (await readLag(servers.kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)) === 0,
  );
}

const stateOf = (productId: string): Promise<string | null> => servers.redis.get(`product:${productId}:ratingState`);

test('a product too large to count holds up no other and no offset, and is right once it can be counted', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers, { partitions: 1 });
  const { metric } = await startWorker(pipeline, LIMITED);
  const products = await insertProducts(pool, 60);
  const large = products[17]!;
  const others = products.filter((id) => id !== large);
  await uncountable.setSlow([large]);
  await insertReviews(pool, products, 2);
  await relay(pool, kafka, pipeline.topic);
  await expectCommitted(pipeline);
  await expectExact(pool, redis, others);
  // Halving takes its time: it is left to a job that no partition waits for.
  expect(await metric('rating_events_total', { result: 'deferred' })).toBeGreaterThan(2);
  await eventually('it is set aside', async () => (await metric('rating_set_aside_products')) === 1);

  // Its further events meet no statement that is timed out, and add no job.
  const completed = await metric('rating_jobs_total', { result: 'completed' });
  await insertReviews(pool, products, 2);
  await relay(pool, kafka, pipeline.topic);
  await expectCommitted(pipeline);
  await expectExact(pool, redis, others);
  expect(await metric('rating_jobs_total', { result: 'completed' })).toBeGreaterThan(completed);
  expect(await redis.zcard(`bull:${pipeline.env['RATING_QUEUE_NAME']}:delayed`)).toBeLessThanOrEqual(1);
  // Absent: readers are answered by PostgreSQL.
  expect(await stateOf(large)).toBeNull();
  expect(await metric('rating_events_total', { result: 'unknown_product' })).toBe(0);
  expect(await metric('rating_jobs_total', { result: 'failed' })).toBe(0);

  await uncountable.clear();
  await expectExact(pool, redis, products);
  await eventually('none is set aside', async () => (await metric('rating_set_aside_products')) === 0);
});

test('the reconciler fills and repairs all but the product too large to count, and finishes its scans', async () => {
  const { pool, redis } = servers;
  const pipeline = await createPipeline(servers, { partitions: 1 });
  const products = await insertProducts(pool, 60);
  const large = products[59]!;
  const others = products.filter((id) => id !== large);
  await insertReviews(pool, products, 2);
  await pool.query('DELETE FROM outbox');
  await uncountable.setSlow([large]);
  const { metric, fatal } = await startWorker(pipeline, RECONCILED);
  await expectExact(pool, redis, others);

  const scanned = await metric('rating_reconciler_scans_total', { scan: 'counts' });
  await eventually(
    'scans of counts go on to their end',
    async () => (await metric('rating_reconciler_scans_total', { scan: 'counts' })) >= scanned + 2,
  );
  await redis.set(`product:${others[0]}:ratingState`, '2 9 9 9 9 9 0a1b2c3d');
  await expectExact(pool, redis, others);
  expect(await metric('rating_reconciler_repaired_total', { kind: 'refill' })).toBe(others.length);
  expect(await stateOf(large)).toBeNull();
  expect(await metric('rating_set_aside_products')).toBe(1);
  expect(fatal).toEqual([]);
});

test('the audit names what could not be counted, and is not content', async () => {
  const { pool, redis, env } = servers;
  const products = await insertProducts(pool, 5);
  await insertReviews(pool, products, 2);
  const large = products[2]!;
  await uncountable.setSlow([large]);
  const audit = await runRatingsAudit({ ...env, ...LIMITED }, []);
  expect(audit.output).toContain(`uncounted: ${large}`);
  expect(audit.output).toContain('1 not counted: raise DATABASE_STATEMENT_TIMEOUT_MS');
  expect(audit.exitCode).toBe(1);
  expect(await redis.dbsize()).toBe(0);
});
