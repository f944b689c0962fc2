import type { Consumer, ConsumerRunConfig } from 'kafkajs';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { expectExact, relay } from '../testing/test-data.js';
import {
  createPipeline,
  startOwnTestServers,
  startWorker,
  stopWorkers,
  type InProcessWorker,
  type TestPipeline,
  type OwnTestServers,
} from '../testing/test-servers.js';

const STALL_MS = 800;
let servers: OwnTestServers;

beforeAll(async () => {
  servers = await startOwnTestServers();
}, 180_000);
afterEach(async () => {
  await stopWorkers();
  await servers.stack.redis.start();
  await servers.pool.query('DELETE FROM outbox');
});
afterAll(() => servers?.stop());

interface Watched extends InProcessWorker {
  readonly consumer: Consumer;
  readonly pipeline: TestPipeline;
}

/** A worker whose kafkajs consumer is in our hands. */
async function startWatched(run?: (config: ConsumerRunConfig) => ConsumerRunConfig): Promise<Watched> {
  const pipeline = await createPipeline(servers);
  let consumer: Consumer | undefined;
  const started = await startWorker(
    pipeline,
    { KAFKA_STALL_TIMEOUT_MS: String(STALL_MS) },
    {
      wrapConsumer: (real) => {
        consumer = real;
        return run === undefined ? real : { ...real, run: (config) => real.run(run(config!)) };
      },
    },
  );
  return { ...started, pipeline, consumer: consumer! };
}

async function writeEvents({ topic }: TestPipeline): Promise<string[]> {
  const products = await insertProducts(servers.pool, 8);
  await insertReviews(servers.pool, products);
  await relay(servers.pool, servers.kafka, topic);
  return products;
}

test('says nothing while all is well, idle or at work', async () => {
  const { pipeline, fatal, worker, metric } = await startWatched();
  for (let i = 0; i < 3; i += 1) {
    await expectExact(servers.pool, servers.redis, await writeEvents(pipeline));
    const until = Date.now() + STALL_MS;
    await eventually('time goes by', () => Date.now() > until);
  }
  expect(fatal).toEqual([]);
  expect(await worker.readiness()).toEqual({
    kafka: true,
    redis: true,
    postgres: true,
    queue: true,
    deadLetters: true,
  });
  expect(await metric('rating_consumer_lag_messages')).toBe(0);
});

test('reports a consumer that stands still while there is something to read', async () => {
  const { consumer, pipeline, fatal, worker, metric } = await startWatched();
  consumer.pause([{ topic: pipeline.topic }]);
  await writeEvents(pipeline);
  await eventually('it is noticed', () => fatal.length > 0);
  expect(String(fatal[0])).toMatch(/stand still although they have messages/);
  expect((await worker.readiness())['kafka']).toBe(false);
  expect(await metric('rating_consumer_lag_messages')).toBeGreaterThan(0);
});

test('reports a consumer that is no member of its group while Kafka answers', async () => {
  const { consumer, fatal, worker } = await startWatched();
  await consumer.stop();
  await eventually('it is noticed', () => fatal.length > 0);
  expect(String(fatal[0])).toMatch(/no member of its group/);
  expect((await worker.readiness())['kafka']).toBe(false);
});

test('reports a crash that kafkajs does not recover from', async () => {
  const { pipeline, fatal, worker } = await startWatched((config) => ({
    ...config,
    eachBatch: () => Promise.reject(new TypeError('a defect')),
  }));
  await writeEvents(pipeline);
  await eventually('it is noticed', () => fatal.length > 0);
  expect(String(fatal[0])).toMatch(/crashed for good/);
  expect((await worker.readiness())['kafka']).toBe(false);
});

test('lets a consumer wait that waits for Redis', async () => {
  const { pipeline, fatal } = await startWatched();
  await servers.stack.redis.kill();
  const products = await writeEvents(pipeline);
  const until = Date.now() + 6 * STALL_MS;
  await eventually('more than its patience goes by', () => Date.now() > until);
  expect(fatal).toEqual([]);
  await servers.stack.redis.start();
  await expectExact(servers.pool, servers.redis, products);
});
