import { setTimeout as delay } from 'node:timers/promises';
import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { formatDeviations, timeToRecovery, waitForSteadyState } from '../checks/steady-state.js';
import { checkHistories } from '../checks/history-check.js';
import { Load } from '../workload/load.js';
import { countOutbox } from '../checks/backlog.js';
import { ReadProbe } from '../workload/read-probe.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';

/** 2 APIs and 2 workers, killed and cut off from their servers under load; the whole matrix is `npm run chaos`. */
let bed: Testbed;
let productIds: string[];

beforeAll(async () => {
  bed = await startTestbed({ name: 'e2e-faults', apis: 2, workers: 2 });
}, 180_000);

beforeEach(async () => {
  productIds = await createProducts(bed, 12, expect.getState().currentTestName ?? 'Product');
}, 60_000);

afterAll(async () => {
  await bed?.close();
}, 90_000);

let loads = 0;

function startLoad(): Load {
  loads += 1;
  return new Load(bed, { name: `load-${loads}`, productIds, authors: 10, seed: loads }).start();
}

/** No lost write and exact ratings, by our own checks and by the product's audit. */
async function expectExact(load: Load): Promise<void> {
  await load.stop();
  expect(formatDeviations(await waitForSteadyState(bed, 90_000))).toEqual([]);
  expect(await checkHistories(bed, [load.history])).toEqual([]);
  const { exitCode, output } = await runRatingsAudit(bed.env, ['--wait', '30']);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
}

test('kill -9 of the worker in the middle of hundreds of mutations', async () => {
  const load = startLoad();
  await load.untilAnswered(150);
  const worker = bed.system.workers[0]!;
  const exit = await worker.current!.kill();
  expect(exit.signal).toBe('SIGKILL');
  const recovery = timeToRecovery(bed, productIds);
  await load.untilAnswered(150);
  expect(await recovery).toBeLessThan(60_000);
  await worker.waitUntilReady();
  expect(load.history.unknownOutcomes).toBe(0);
  await expectExact(load);
}, 180_000);

test('kill -9 of an API in the middle of hundreds of mutations', async () => {
  const load = startLoad();
  await load.untilAnswered(150);
  const api = bed.system.apis[0]!;
  await api.current!.kill();
  await load.untilAnswered(100);
  await api.waitUntilReady();
  await load.untilAnswered(50);
  await expectExact(load);
}, 180_000);

test('the Kafka broker is killed: every mutation succeeds, the outbox waits and is drained', async () => {
  const load = startLoad();
  await load.untilAnswered(50);
  await bed.servers.kafka.kill();
  await load.untilAnswered(150);
  expect(await countOutbox(bed)).toBeGreaterThan(0);
  await bed.servers.kafka.start();
  await load.stop();
  expect(load.history.unknownOutcomes).toBe(0);
  await expectExact(load);
}, 240_000);

test('FLUSHALL under load: reads are right at once, and Redis recovers', async () => {
  const load = startLoad();
  const probe = new ReadProbe(bed, { productIds }).start();
  await load.untilAnswered(100);
  await bed.redis.flushall();
  const [afterwards] = productIds;
  const reader = await bed.client({ subject: 'reader' });
  const { product } = await reader.Product({ id: afterwards! });
  expect(product).not.toBeNull();
  await load.untilAnswered(100);
  expect(await timeToRecovery(bed, productIds)).toBeLessThan(60_000);
  expect((await probe.stop()).failures).toEqual([]);
  await expectExact(load);

  await bed.redis.flushall();
  const { rows } = await bed.pool.query<{ id: string; count: number; average: number | null }>(
    `SELECT p.id, count(r.id)::integer AS count, sum(r.rating)::float8 / nullif(count(r.id), 0) AS average
       FROM products p LEFT JOIN reviews r ON r.product_id = p.id AND r.status = 'PUBLISHED'
      WHERE p.id = ANY ($1) GROUP BY p.id`,
    [productIds],
  );
  for (const { id, count, average } of rows) {
    expect((await reader.Product({ id })).product).toMatchObject({ reviewCount: count, averageRating: average });
  }
}, 180_000);

test('Redis is killed and comes back empty: reads and mutations go on', async () => {
  const load = startLoad();
  const probe = new ReadProbe(bed, { productIds }).start();
  await load.untilAnswered(50);
  await bed.servers.redis.kill();
  await load.untilAnswered(100);
  await bed.servers.redis.start({ empty: true });
  await load.untilAnswered(100);
  expect(await timeToRecovery(bed, productIds)).toBeLessThan(60_000);
  expect((await probe.stop()).failures).toEqual([]);
  expect(load.history.unknownOutcomes).toBe(0);
  await expectExact(load);
}, 240_000);

test('PostgreSQL is restarted: acknowledged mutations are there, and everything goes on', async () => {
  const load = startLoad();
  await load.untilAnswered(100);
  await bed.servers.postgres.stop();
  await delay(500);
  await bed.servers.postgres.start();
  await load.untilAnswered(100);
  const ready = await waitUntil(async () => (await fetch(`${bed.system.apis[0]!.url}/ready`)).status === 200, {
    timeoutMs: 30_000,
  });
  expect(ready).toBe(true);
  await expectExact(load);
}, 240_000);
