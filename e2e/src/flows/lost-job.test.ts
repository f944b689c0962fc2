import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';
import { sumOverWorkers } from '../checks/worker-metrics.js';

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ name: 'e2e-lost-job', variables: { RECONCILER_ENABLED: 'false' } });
}, 180_000);

afterAll(async () => {
  await bed?.redis.call('ACL', 'SETUSER', 'default', '+mset').catch(() => undefined);
  await bed?.close();
}, 90_000);

test('a job that Redis loses, and its worker with it, comes again from Kafka: nothing has to be rebuilt', async () => {
  const [id] = await createProducts(bed, 1, 'Lost');
  // Without the tag of the last event.
  const state = async (): Promise<string | undefined> =>
    (await bed.redis.get(`product:${id}:ratingState`))?.replace(/ [0-9a-f]{8}$/, '');
  await bed.pool.query('INSERT INTO reviews (product_id, rating) VALUES ($1, 5)', [id]);
  expect(await waitUntil(async () => (await state()) === '1 0 0 0 0 1', { timeoutMs: 20_000 })).toBe(true);

  // The script that applies events cannot write, so the job is retried, and its offsets must not move.
  await bed.redis.call('ACL', 'SETUSER', 'default', '-mset');
  await bed.pool.query('INSERT INTO reviews (product_id, rating) SELECT $1, n FROM generate_series(1, 5) n', [id]);
  const isQueued = await waitUntil(async () => (await bed.redis.keys('bull:ratings:*-*-*')).length > 1, {
    timeoutMs: 20_000,
  });
  expect(isQueued).toBe(true);
  // Longer than the time between two commits.
  await delay(2_500);
  const worker = bed.system.workers[0]!;
  await worker.current!.kill();
  await bed.redis.del(await bed.redis.keys('bull:*'));
  await bed.redis.call('ACL', 'SETUSER', 'default', '+mset');

  expect(await waitUntil(async () => (await state()) === '6 1 1 1 1 2', { timeoutMs: 30_000 })).toBe(true);
  await worker.waitUntilReady();
  expect(await sumOverWorkers(bed, 'rating_events_total{result="applied"}')).toBe(5);
  expect(await sumOverWorkers(bed, 'rating_rebuilds_total')).toBe(0);
}, 120_000);
