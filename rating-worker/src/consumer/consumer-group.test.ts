import { randomUUID } from 'node:crypto';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { changeReviews, insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { expectExact, findDifferences, readLag, relay, send, takeEvents } from '../testing/test-data.js';
import {
  createPipeline,
  createTopics,
  createWorker,
  openTestServers,
  startWorker,
  stopWorkers,
  type TestServers,
} from '../testing/test-servers.js';

let servers: TestServers;

beforeAll(async () => {
  servers = await openTestServers();
}, 180_000);
afterEach(async () => {
  await stopWorkers();
  await servers.pool.query('DELETE FROM outbox');
});
afterAll(() => servers?.stop());

test('keeps the ratings exact through creations, edits, hidden and deleted reviews and a deleted product', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { worker, metric } = await startWorker(pipeline);
  const products = await insertProducts(pool, 30);
  for (let round = 0; round < 5; round += 1) {
    await changeReviews(pool, products);
    await relay(pool, kafka, pipeline.topic);
  }
  await pool.query('DELETE FROM products WHERE id = $1', [products[0]]);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  await eventually('the tombstone is there', async () =>
    /^\d+ deleted [0-9a-f]{8}$/.test((await redis.get(`product:${products[0]}:ratingState`)) ?? ''),
  );
  expect(await metric('rating_gaps_total')).toBe(0);
  expect(await metric('rating_dead_letters_total')).toBe(0);
  expect(await worker.readiness()).toEqual({
    kafka: true,
    redis: true,
    postgres: true,
    queue: true,
    deadLetters: true,
  });
  const answers = await Promise.all(
    ['health', 'ready', 'metrics'].map((path) => fetch(`http://127.0.0.1:${worker.port()}/${path}`)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await answers[2]!.text()).toContain('rating_freshness_seconds_count');
});

test('applies a hot product with more events than a job holds in order, without a gap', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const [hot, ...others] = await insertProducts(pool, 5);
  await insertReviews(pool, [hot!], 3_000);
  await insertReviews(pool, others, 50);
  await relay(pool, kafka, pipeline.topic);
  // The first event finds no state; from then on everything follows.
  const { metric } = await startWorker(pipeline, { RATING_JOB_MAX_EVENTS: '100' });
  await expectExact(pool, redis, [hot!, ...others]);
  await insertReviews(pool, [hot!], 3_000);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, [hot!]);
  await eventually(
    'all are counted',
    async () => (await metric('rating_events_total', { result: 'applied' })) >= 3_000,
  );
  expect(await metric('rating_gaps_total')).toBe(0);
});

test('takes everything that Kafka delivers a second time for duplicates', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 10);
  await startWorker(pipeline);
  await insertReviews(pool, products, 1);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  await changeReviews(pool, products);
  const events = await takeEvents(pool);
  await send(kafka, pipeline.topic, events);
  await send(kafka, pipeline.topic, events);
  await expectExact(pool, redis, products);
  await stopWorkers();

  const again = await startWorker(pipeline, { KAFKA_GROUP_ID: `again-${pipeline.topic}` });
  const total = products.length + 2 * events.length;
  // At least: a rebalance while the new group forms may deliver a batch once more.
  await eventually('all are delivered', async () => (await again.metric('rating_events_total')) >= total);
  await again.worker.stop();
  expect(await again.metric('rating_events_total', { result: 'duplicate' })).toBe(
    await again.metric('rating_events_total'),
  );
  expect(await findDifferences(pool, redis, products)).toEqual([]);
});

test('rebuilds what a lost event left behind, and says so', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 3);
  const { metric } = await startWorker(pipeline);
  await insertReviews(pool, products, 1);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  await insertReviews(pool, products.slice(0, 1), 1);
  await takeEvents(pool);
  await insertReviews(pool, products, 1);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  expect(await metric('rating_gaps_total')).toBe(1);
  expect(await metric('rating_rebuilds_total', { reason: 'gap' })).toBe(1);
});

test('writes nothing for a product that PostgreSQL lacks', async () => {
  const { redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline);
  const productId = randomUUID();
  const event = {
    eventId: randomUUID(),
    type: 'review-created',
    schemaVersion: 1,
    productId,
    reviewId: randomUUID(),
    seq: 4,
    previousRating: null,
    rating: 5,
    occurredAt: '2026-01-01T00:00:00Z',
  };
  await send(kafka, pipeline.topic, [{ key: productId, value: JSON.stringify(event) }]);
  await eventually(
    'the event is dropped',
    async () => (await metric('rating_events_total', { result: 'unknown_product' })) === 1,
  );
  expect(await redis.keys(`product:${productId}:*`)).toEqual([]);
});

test('leaves nothing uncommitted when it stops, and the next one has nothing to do', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 10);
  // The timer does not come in the way of this test: only the stop commits.
  await startWorker(pipeline, { KAFKA_COMMIT_INTERVAL_MS: '60000' });
  await insertReviews(pool, products, 20);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  const stopping = Date.now();
  await stopWorkers();
  expect(Date.now() - stopping).toBeLessThan(30_000);
  expect(await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)).toBe(0);
});

test('finishes and commits the batch that it is in the middle of when it stops', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers, { partitions: 1 });
  const [product] = await insertProducts(pool, 1);
  const first = await startWorker(pipeline, { KAFKA_COMMIT_INTERVAL_MS: '60000', RATING_JOB_MAX_EVENTS: '20' });
  await insertReviews(pool, [product!], 1);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, [product!]);
  await insertReviews(pool, [product!], 1_500);
  await relay(pool, kafka, pipeline.topic);
  await eventually('it is in the middle', async () => (await first.metric('rating_events_total')) > 20);
  await first.worker.stop();
  expect(await first.metric('rating_events_total')).toBeGreaterThan(500);

  const second = await startWorker(pipeline);
  await expectExact(pool, redis, [product!]);
  await eventually(
    'nothing is left',
    async () => (await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)) === 0,
  );
  expect(await second.metric('rating_events_total', { result: 'duplicate' })).toBe(0);
});

test('shares the work of one hot product and many others between two workers that come and go, without a gap', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers, { partitions: 6 });
  const products = await insertProducts(pool, 20);
  const first = await startWorker(pipeline);
  await insertReviews(pool, products, 1);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);

  let writing = true;
  const load = (async () => {
    while (writing) {
      await insertReviews(pool, [products[0]!], 40);
      await changeReviews(pool, products);
      await relay(pool, kafka, pipeline.topic);
    }
  })();
  const second = await startWorker(pipeline);
  await eventually('the second one works', async () => (await second.metric('rating_jobs_total')) > 20);
  const third = await startWorker(pipeline);
  await eventually('the third one works', async () => (await third.metric('rating_jobs_total')) > 20);
  await third.worker.stop();
  writing = false;
  await load;
  await expectExact(pool, redis, products);
  for (const { metric, fatal } of [first, second, third]) {
    expect(await metric('rating_gaps_total')).toBe(0);
    expect(fatal).toEqual([]);
  }
});

test('waits for a topic that does not exist yet', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const topic = `late-${pipeline.topic}`;
  const { worker } = createWorker(pipeline, { KAFKA_TOPIC: topic });
  const started = worker.start(new AbortController().signal);
  await eventually('the health server answers', () => worker.port() !== 0);
  expect((await fetch(`http://127.0.0.1:${worker.port()}/health`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${worker.port()}/ready`)).status).toBe(503);
  await createTopics(kafka, [{ topic, numPartitions: 2 }]);
  await started;
  const products = await insertProducts(pool, 2);
  await insertReviews(pool, products, 1);
  await relay(pool, kafka, topic);
  await expectExact(pool, redis, products);
});
