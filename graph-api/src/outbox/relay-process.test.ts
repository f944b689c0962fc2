import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { launchServiceProcess, type ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { recordingPublisher, arrivedSeqs } from '../testing/recording-publisher.js';
import { insertProduct, insertReview, outboxEvents } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { createRelay } from './relay.js';

const ENTRY = fileURLToPath(new URL('../testing/relay-process.mjs', import.meta.url));

let database: TestDatabase;
let processes: ServiceProcess[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  await database.pool.query('CREATE TABLE arrived (n serial, key uuid, value json)');
});
afterEach(async () => {
  await Promise.all(processes.map((one) => one.kill()));
  processes = [];
  await database.drop();
});

async function launchRelay(env: Record<string, string>): Promise<ServiceProcess> {
  const logFile = join(tmpdir(), `relay-${process.pid}.log`);
  const one = await launchServiceProcess({ name: 'relay', entry: ENTRY, env: { ...database.env, ...env }, logFile });
  processes.push(one);
  return one;
}

async function arrivedInTable(): Promise<number[]> {
  const { rows } = await database.pool.query(`SELECT (value ->> 'seq')::integer AS seq FROM arrived ORDER BY n`);
  return (rows as Array<{ seq: number }>).map(({ seq }) => seq);
}

const drained = () => eventually('the outbox is empty', async () => (await outboxEvents(database.pool)).length === 0);

test('killed between its send and its delete: the next relay sends the batch again', async () => {
  const product = await insertProduct(database.pool);
  for (let i = 0; i < 3; i += 1) await insertReview(database.pool, product, 4);
  const killed = await launchRelay({ HANG: 'true' });
  await eventually('the batch arrived', async () => (await arrivedInTable()).length === 3);
  await killed.kill();
  expect(await outboxEvents(database.pool)).toHaveLength(3);
  await launchRelay({});
  await drained();
  expect(await arrivedInTable()).toEqual([1, 2, 3, 1, 2, 3]);
});

test('frozen in its transaction: PostgreSQL ends it, another relay goes on, and the late one changes nothing', async () => {
  const product = await insertProduct(database.pool);
  for (let i = 0; i < 3; i += 1) await insertReview(database.pool, product, 4);
  const frozen = await launchRelay({ HANG: 'true', IDLE_TRANSACTION_MS: '1000' });
  await eventually('the batch arrived', async () => (await arrivedInTable()).length === 3);
  frozen.pause();

  const publisher = recordingPublisher();
  const relay = createRelay(
    database.config,
    { batchSize: 100, pollIntervalMs: 20 },
    publisher,
    createLogger('test', 'silent'),
  );
  relay.start();
  await drained();
  await insertReview(database.pool, product, 5);
  relay.wake();
  frozen.resume();
  await drained();
  await relay.stop();
  expect(arrivedSeqs(publisher.messages, product)).toEqual([1, 2, 3, 4]);
  expect(frozen.isRunning).toBe(true);
});

test('two relays in two processes, one hot product: nothing overtakes', async () => {
  const product = await insertProduct(database.pool);
  await Promise.all([launchRelay({}), launchRelay({})]);
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 60; i += 1) await insertReview(database.pool, product, 4);
    }),
  );
  await drained();
  expect(await arrivedInTable()).toEqual(Array.from({ length: 240 }, (_, i) => i + 1));
});
