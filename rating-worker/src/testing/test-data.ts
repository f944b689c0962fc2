import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { averageRating, formatRatingState, reviewCount } from '@exact-ratings/shared/rating/rating-state.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Redis } from 'ioredis';
import type { Kafka, Message } from 'kafkajs';
import type pg from 'pg';

/** The outbox's events, in order, which are then removed from it: what the relay sends. */
export async function takeEvents(pool: pg.Pool): Promise<Message[]> {
  const { rows } = await pool.query<{ aggregateid: string; payload: string }>(
    `WITH taken AS (DELETE FROM outbox RETURNING position, aggregateid, payload)
     SELECT aggregateid, payload::text AS payload FROM taken ORDER BY position`,
  );
  return rows.map(({ aggregateid, payload }) => ({ key: aggregateid, value: payload }));
}

export async function send(kafka: Kafka, topic: string, messages: readonly Message[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    for (let i = 0; i < messages.length; i += 500) {
      await producer.send({ topic, acks: -1, messages: messages.slice(i, i + 500) });
    }
  } finally {
    await producer.disconnect();
  }
}

/** Sends everything that is in the outbox. */
export async function relay(pool: pg.Pool, kafka: Kafka, topic: string): Promise<void> {
  await send(kafka, topic, await takeEvents(pool));
}

/** The products whose keys are not exactly what PostgreSQL says, with both; a product that PostgreSQL lacks must have no public keys. */
export async function findDifferences(pool: pg.Pool, redis: Redis, productIds: readonly string[]): Promise<string[]> {
  const snapshots = await readRatingAggregates(pool, productIds);
  const expected = new Map(snapshots.map((snapshot) => [snapshot.productId, snapshot]));
  const differences: string[] = [];
  for (const productId of productIds) {
    const keys = ratingKeys(productId);
    const [rating, count, state] = await redis.mget(keys.rating, keys.reviewCount, keys.state);
    const snapshot = expected.get(productId);
    const is = [rating, count, state].join(' | ');
    if (snapshot === undefined) {
      if (rating !== null || count !== null) differences.push(`${productId}: ${is}, but PostgreSQL lacks it`);
      continue;
    }
    const should = [averageRating(snapshot), reviewCount(snapshot), formatRatingState(snapshot)].join(' | ');
    if (is !== should) differences.push(`${productId}: ${is}, but PostgreSQL says ${should}`);
  }
  return differences;
}

/** Waits until every product's keys are what PostgreSQL says. */
export async function expectExact(
  pool: pg.Pool,
  redis: Redis,
  productIds: readonly string[],
  timeoutMs = 20_000,
): Promise<void> {
  let differences: string[] = [];
  await waitUntil(
    async () => {
      differences = await findDifferences(pool, redis, productIds);
      return differences.length === 0;
    },
    { timeoutMs },
  );
  expect(differences).toEqual([]);
}

/** Everything in a topic, by partition and offset, as long as `count` messages are reached in time. */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  count: number,
  timeoutMs = 20_000,
): Promise<ReadMessage[]> {
  const consumer = kafka.consumer({ groupId: `read-${topic}-${Math.random()}`, maxWaitTimeInMs: 50 });
  const messages: ReadMessage[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message, partition }) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)] as const);
        messages.push({ partition, key: message.key, value: message.value, headers: Object.fromEntries(headers) });
        return Promise.resolve();
      },
    });
    await eventually(`${count} messages in ${topic}`, () => messages.length >= count, timeoutMs);
  } finally {
    await consumer.disconnect();
  }
  return messages;
}

export interface ReadMessage {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** How many messages of the topic the group has not committed yet. */
export async function readLag(kafka: Kafka, groupId: string, topic: string): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return ends.reduce((lag, { partition, high }) => {
      const offset = committed?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
      return lag + Number(high) - Math.max(0, Number(offset));
    }, 0);
  } finally {
    await admin.disconnect();
  }
}
