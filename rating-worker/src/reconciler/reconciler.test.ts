import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { changeReviews, insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { expectExact, findDifferences, relay, send, takeEvents } from '../testing/test-data.js';
import {
  createPipeline,
  spawnWorker,
  startOwnTestServers,
  startWorker,
  stopWorkers,
  type TestPipeline,
  type OwnTestServers,
} from '../testing/test-servers.js';

let servers: OwnTestServers;
const RECONCILER = {
  RECONCILER_ENABLED: 'true',
  RECONCILER_SEQUENCE_SCAN_INTERVAL_MS: '300',
  RECONCILER_COUNTS_SCAN_INTERVAL_MS: '500',
  RECONCILER_ORPHAN_SCAN_INTERVAL_MS: '500',
  RECONCILER_RECENT_INTERVAL_MS: '300',
  RECONCILER_GRACE_MS: '300',
  RECONCILER_HEARTBEAT_MS: '100',
  RECONCILER_LEASE_MS: '1000',
};
const NEVER = '600000';

beforeAll(async () => {
  servers = await startOwnTestServers();
}, 180_000);
afterEach(async () => {
  await stopWorkers();
  await servers.redis.flushall();
  await servers.pool.query('DELETE FROM products');
  await servers.pool.query('DELETE FROM outbox');
});
afterAll(() => servers?.stop());

/** Products whose ratings are in Redis, through the pipeline. */
async function ratedProducts(pipeline: TestPipeline, count: number): Promise<string[]> {
  const { pool, redis, kafka } = servers;
  const products = await insertProducts(pool, count);
  await insertReviews(pool, products, 3);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  return products;
}

test('finds an event that was lost without another to follow it', async () => {
  const { pool, redis } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, RECONCILER);
  const products = await ratedProducts(pipeline, 5);
  // On a busy machine events may be so late that they are taken for lost.
  const before = await metric('rating_reconciler_repaired_total', { kind: 'stalled' });
  await insertReviews(pool, products.slice(0, 2));
  await takeEvents(pool);
  await expectExact(pool, redis, products);
  await eventually(
    'it is counted',
    async () => (await metric('rating_reconciler_repaired_total', { kind: 'stalled' })) >= before + 2,
  );
  expect(await metric('rating_gaps_total')).toBe(0);
});

test('fills Redis again after FLUSHALL, detected by the heartbeat', async () => {
  const { pool, redis } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, {
    ...RECONCILER,
    RECONCILER_SEQUENCE_SCAN_INTERVAL_MS: NEVER,
    RECONCILER_RECENT_INTERVAL_MS: NEVER,
  });
  const products = await ratedProducts(pipeline, 20);
  await eventually(
    'the first scan is over',
    async () => (await metric('rating_reconciler_scans_total', { scan: 'sequences' })) === 1,
  );
  await redis.flushall();
  await expectExact(pool, redis, products);
  expect(await metric('rating_redis_data_losses_total')).toBe(1);
});

test('notices single keys that were lost lately without a scan over all', async () => {
  const { pool, redis } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, { ...RECONCILER, RECONCILER_SEQUENCE_SCAN_INTERVAL_MS: NEVER });
  const products = await ratedProducts(pipeline, 5);
  await eventually('the first scan is over', async () => (await metric('rating_reconciler_scans_total')) >= 1);
  const before = await metric('rating_reconciler_repaired_total', { kind: 'lost' });
  await redis.del(
    `product:${products[0]}:rating`,
    `product:${products[0]}:reviewCount`,
    `product:${products[0]}:ratingState`,
  );
  await expectExact(pool, redis, products);
  await eventually(
    'it is counted',
    async () => (await metric('rating_reconciler_repaired_total', { kind: 'lost' })) === before + 1,
  );
});

/** Puts PostgreSQL back to what it was, as a restored backup does: without triggers, sequence numbers included. */
async function putBack(products: readonly string[], when: () => Promise<void>): Promise<void> {
  const { pool } = servers;
  await pool.query(
    'CREATE TABLE backup_reviews AS SELECT * FROM reviews; CREATE TABLE backup_sequences AS SELECT * FROM review_streams',
  );
  await when();
  await pool.query(`
    BEGIN;
    SET LOCAL session_replication_role = replica;
    DELETE FROM reviews; INSERT INTO reviews SELECT * FROM backup_reviews;
    DELETE FROM review_streams; INSERT INTO review_streams SELECT * FROM backup_sequences;
    DROP TABLE backup_reviews, backup_sequences;
    COMMIT`);
  expect(products.length).toBeGreaterThan(0);
}

test('is exact after PostgreSQL was put back to the past, while its later events wait in Kafka', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, RECONCILER);
  const products = await ratedProducts(pipeline, 10);
  let discarded: Awaited<ReturnType<typeof takeEvents>> = [];
  await putBack(products, async () => {
    await changeReviews(pool, products);
    await relay(pool, kafka, pipeline.topic);
    await expectExact(pool, redis, products);
    await changeReviews(pool, products);
    discarded = await takeEvents(pool);
  });
  // New reviews take the sequence numbers of discarded events, of which some come before them, some after.
  await send(kafka, pipeline.topic, discarded.slice(0, discarded.length / 2));
  await insertReviews(pool, products, 2);
  await relay(pool, kafka, pipeline.topic);
  await send(kafka, pipeline.topic, discarded.slice(discarded.length / 2));
  await expectExact(pool, redis, products);
  await send(kafka, pipeline.topic, discarded);
  await changeReviews(pool, products);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  const { rows } = await pool.query<{ min: number }>('SELECT min(last_seq) FROM review_streams');
  expect(rows[0]!.min).toBeGreaterThan(1_000_000);
  expect(await metric('rating_dead_letters_total')).toBe(0);
});

test('compares the counts too, out of turn, where a sequence number shows that PostgreSQL was put back', async () => {
  const { pool, redis } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, { ...RECONCILER, RECONCILER_COUNTS_SCAN_INTERVAL_MS: NEVER });
  const [ahead, other] = await ratedProducts(pipeline, 2);
  await eventually(
    'the first scans are over',
    async () => (await metric('rating_reconciler_scans_total', { scan: 'orphans' })) > 0,
  );
  const store = new RatingStore(redis, { ttlSeconds: 0 });
  const [snapshot] = await readRatingAggregates(pool, [other!]);
  await store.replace([
    { ...snapshot!, stars: [0, 0, 0, 0, 9] },
    { productId: ahead!, seq: 99, stars: [0, 0, 0, 0, 9], eventTag: NO_EVENT_TAG },
  ]);
  await expectExact(pool, redis, [ahead!, other!]);
  await eventually(
    'it is counted',
    async () => (await metric('rating_reconciler_repaired_total', { kind: 'counts' })) >= 1,
  );
});

test('recognises an event of a discarded timeline at once where the rebuild shows that PostgreSQL lacks it', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline);
  const products = await ratedProducts(pipeline, 3);
  let discarded: Awaited<ReturnType<typeof takeEvents>> = [];
  await putBack(products, async () => {
    await insertReviews(pool, products, 2);
    discarded = await takeEvents(pool);
  });
  await redis.flushall();
  await send(kafka, pipeline.topic, discarded);
  await expectExact(pool, redis, products);
  await eventually('the sequence numbers are advanced', async () => {
    const { rows } = await pool.query<{ min: number }>('SELECT min(last_seq) FROM review_streams');
    return rows[0]!.min > 1_000_000;
  });
  await send(kafka, pipeline.topic, discarded);
  await insertReviews(pool, products);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  expect(await metric('rating_gaps_total')).toBe(0);
});

test('notices at its event, without a scan, that a sequence number is taken again', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline);
  const products = await ratedProducts(pipeline, 3);
  const reviewAll = async (rating: number): Promise<void> => {
    await pool.query('INSERT INTO reviews (product_id, rating) SELECT p, $2 FROM unnest($1::uuid[]) p', [
      products,
      rating,
    ]);
    await relay(pool, kafka, pipeline.topic);
    await expectExact(pool, redis, products);
  };
  await putBack(products, () => reviewAll(5));
  await reviewAll(1);
  await eventually('all are counted', async () => (await metric('rating_rebuilds_total', { reason: 'fork' })) === 3);
  await expectExact(pool, redis, products);
  expect(await metric('rating_gaps_total')).toBe(0);
  const { rows } = await pool.query<{ min: number }>('SELECT min(last_seq) FROM review_streams');
  expect(rows[0]!.min).toBeGreaterThan(1_000_000);
});

test('goes on in another process when its holder is killed', async () => {
  const { pool, redis } = servers;
  const pipeline = await createPipeline(servers);
  // The holder keeps its lease also where the machine is busy.
  const patient = { ...RECONCILER, RECONCILER_LEASE_MS: '4000' };
  const holder = await spawnWorker(servers, pipeline, 'holder', await findFreePort(), patient);
  const leader = `rating-worker:${pipeline.env['RATING_QUEUE_NAME']}:leader`;
  await eventually('the first one leads', async () => (await redis.exists(leader)) === 1);
  const token = await redis.get(leader);
  const { metric } = await startWorker(pipeline, patient);
  const products = await ratedProducts(pipeline, 3);
  expect(await redis.get(leader)).toBe(token);
  expect(await metric('rating_reconciler_scans_total')).toBe(0);
  await holder.kill();
  await insertReviews(pool, products);
  await takeEvents(pool);
  await expectExact(pool, redis, products);
  expect(await redis.get(leader)).not.toBe(token);
  expect(await metric('rating_reconciler_scans_total')).toBeGreaterThan(0);
});

test('goes on after PostgreSQL and Redis were away', async () => {
  const { pool, redis, stack } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, RECONCILER);
  const products = await ratedProducts(pipeline, 3);
  await stack.postgres.kill();
  await stack.redis.kill();
  await stack.postgres.start();
  await stack.redis.start();
  await insertReviews(pool, products);
  await takeEvents(pool);
  await expectExact(pool, redis, products);
  const before = await metric('rating_reconciler_scans_total');
  await eventually('scans go on', async () => (await metric('rating_reconciler_scans_total')) > before);
  expect(await findDifferences(pool, redis, products)).toEqual([]);
});
