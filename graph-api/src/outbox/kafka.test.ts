import { parseReviewEvent, type ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import type { Stack } from '@exact-ratings/stack/stack.js';
import type { Consumer, Kafka } from 'kafkajs';
import { dataOf, query } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { insertProduct, insertReview, outboxEvents } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { ensureTopics } from './topics.js';

let servers: Stack;
let database: TestDatabase;
let kafka: Kafka;
let consumer: Consumer;
let app: TestApp;
const arrived: Array<{ event: ReviewEvent; partition: number; at: number }> = [];

beforeAll(async () => {
  [servers, database] = await Promise.all([startOwnServers('kafka'), createTestDatabase()]);
  const config = {
    brokers: [servers.env['KAFKA_BROKER']!],
    topic: 'review-events',
    deadLetterTopic: 'review-events.dead-letters',
  };
  kafka = createKafkaClient(config, 'test', createLogger('test', 'silent'));
  await ensureTopics(kafka, config, { partitions: 3, replicationFactor: 0, minInsyncReplicas: 0 });
  consumer = kafka.consumer({
    groupId: 'test',
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 50,
    retry: { retries: 100, maxRetryTime: 500 },
  });
  await consumer.connect();
  await consumer.subscribe({ topic: 'review-events', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      const parsed = parseReviewEvent(message.key, message.value);
      if (!parsed.ok) throw new Error(parsed.reason);
      arrived.push({ event: parsed.event, partition, at: performance.now() });
    },
  });
  app = await startTestApp({ ...database.env, ...servers.env }, 'kafka');
}, 60_000);
afterAll(async () => {
  await app?.stop();
  await consumer?.disconnect();
  await servers?.stop();
  await database?.drop();
});

const eventsOf = (productId: string) => arrived.filter(({ event }) => event.productId === productId);
const seqsOf = (productId: string): number[] => eventsOf(productId).map(({ event }) => event.seq);

async function review(productId: string, origin = app.origin): Promise<number> {
  const answer = await query(
    origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { ratingVersion } }',
    { id: productId },
    { token: await newUserToken() },
  );
  return dataOf(answer).createReview.ratingVersion as number;
}

test('a mutation is in Kafka right after its commit, in the order of its product, in one partition', async () => {
  const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
  await review(products[0]!);
  await eventually('the first event', () => eventsOf(products[0]!).length);
  const latencies: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    await review(products[1]!);
    const answered = performance.now();
    await eventually('the event', () => eventsOf(products[1]!).length === i + 1);
    latencies.push(eventsOf(products[1]!).at(-1)!.at - answered);
  }
  // Far from the poll's second.
  expect(latencies.sort((a, b) => a - b)[5]).toBeLessThan(400);

  await Promise.all(Array.from({ length: 60 }, (_, i) => review(products[i % 2]!)));
  const answer = await query(
    app.origin,
    'mutation ($id: ID!) { deleteProduct(input: { id: $id }) { deletedProductId } }',
    { id: products[0] },
    { token: await adminToken() },
  );
  dataOf(answer);
  await eventually('the deletion', () => eventsOf(products[0]!).at(-1)?.event.type === 'product-deleted');
  await eventually('all reviews', () => eventsOf(products[1]!).length === 40);
  expect(seqsOf(products[0]!)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
  expect(seqsOf(products[1]!)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  for (const product of products) {
    expect(new Set(eventsOf(product).map(({ partition }) => partition)).size).toBe(1);
  }
});

test('what psql changed is found by the poll', async () => {
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 1);
  await eventually('the event', () => eventsOf(product).length);
  expect(eventsOf(product)[0]!.event).toMatchObject({ type: 'review-created', seq: 1, rating: 1 });
});

test('Kafka killed: mutations succeed as fast as ever, also of a service started meanwhile; then all is sent', async () => {
  const product = await insertProduct(database.pool);
  await review(product);
  await eventually('the first event', () => eventsOf(product).length);
  await servers.kafka.kill();
  const late = await startTestApp({ ...database.env, ...servers.env }, 'kafka');
  try {
    for (let i = 0; i < 20; i += 1) {
      const began = performance.now();
      await review(product, i % 2 === 0 ? app.origin : late.origin);
      expect(performance.now() - began).toBeLessThan(10_000);
    }
    expect((await outboxEvents(database.pool, product)).length).toBeGreaterThanOrEqual(19);
    await servers.kafka.start();
    await eventually('all events', () => new Set(seqsOf(product)).size === 21, 40_000);
    await eventually('the outbox is empty', async () => (await outboxEvents(database.pool)).length === 0, 20_000);
    // At least once, and in order: what is new is always the next number.
    const firsts = seqsOf(product).filter((seq, i, all) => all.indexOf(seq) === i);
    expect(firsts).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    await review(product);
    await eventually('an event after the outage', () => seqsOf(product).includes(22));
  } finally {
    await late.stop();
  }
}, 90_000);
