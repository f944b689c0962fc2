import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { startServiceProcess, type ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import type { Stack } from '@exact-ratings/stack/stack.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import { sharedServers, startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { createTestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Redis } from 'ioredis';
import { Kafka, logLevel, type ITopicConfig } from 'kafkajs';
import type pg from 'pg';
import { createRatingWorker, type RatingWorker, type RatingWorkerOptions } from '../app.js';
import { readRatingWorkerConfig } from '../config.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Real servers for a test file, with a migrated database of its own; every test makes a topic of its own. */
export interface TestServers {
  /** The variables that lead to them. */
  readonly env: Record<string, string>;
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly kafka: Kafka;
  readonly logDirectory: string;
  readonly pidDirectory: string;
  stop(): Promise<void>;
}

/** The servers of the run; its Redis is emptied first. */
export async function openTestServers(): Promise<TestServers> {
  const shared = sharedServers();
  const servers = await connect(shared.env, shared);
  await servers.redis.flushall();
  return servers;
}

/** Servers that the test file may stop, kill and freeze. */
export interface OwnTestServers extends TestServers {
  readonly stack: Stack;
}

export async function startOwnTestServers(): Promise<OwnTestServers> {
  const stack = await startOwnServers();
  const servers = await connect(stack.env, stack);
  return {
    ...servers,
    stack,
    stop: async () => {
      await servers.stop();
      await stack.stop();
    },
  };
}

async function connect(
  environment: Record<string, string>,
  { logDirectory, pidDirectory }: { logDirectory: string; pidDirectory: string },
): Promise<TestServers> {
  const database = await createTestDatabase(environment);
  const redis = connectRedis(environment);
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  const kafka = new Kafka({ brokers: database.env['KAFKA_BROKER']!.split(','), logLevel: logLevel.NOTHING });
  return {
    env: database.env,
    pool: database.pool,
    redis,
    kafka,
    logDirectory,
    pidDirectory,
    stop: async () => {
      redis.disconnect();
      await database.drop();
    },
  };
}

/** A test's own topic, consumer group and queue, and the environment of a worker for them. */
export interface TestPipeline {
  readonly topic: string;
  readonly env: Record<string, string>;
}

export async function createPipeline(
  { kafka, env }: TestServers,
  { partitions = 4, deadLetters = true }: { partitions?: number; deadLetters?: boolean } = {},
): Promise<TestPipeline> {
  const topic = `reviews-${randomUUID()}`;
  await createTopics(kafka, [
    { topic, numPartitions: partitions },
    ...(deadLetters ? [{ topic: `${topic}.dead-letters`, numPartitions: 1 }] : []),
  ]);
  return {
    topic,
    env: {
      ...env,
      REVIEW_PROCESSING_SERVICE_PORT: '0',
      KAFKA_TOPIC: topic,
      KAFKA_GROUP_ID: `group-${topic}`,
      KAFKA_MIN_PARTITION_CONCURRENCY: String(partitions),
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      // A worker stops when its fetch is over.
      KAFKA_FETCH_MAX_WAIT_MS: '50',
      RATING_QUEUE_NAME: `queue-${topic}`,
      // Tests of other parts must not be repaired by it.
      RECONCILER_ENABLED: 'false',
      RATING_PERSISTENCE_ENABLED: 'false',
    },
  };
}

export async function createTopics(kafka: Kafka, topics: ITopicConfig[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    // kafkajs's waitForLeaders gives up where the brokers do not know the new topic yet.
    await admin.createTopics({ waitForLeaders: false, topics });
    const names = topics.map(({ topic }) => topic);
    const known = await waitUntil(
      () =>
        admin.fetchTopicMetadata({ topics: names }).then(
          (metadata) => metadata.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0)),
          () => false,
        ),
      { timeoutMs: 20_000 },
    );
    if (!known) throw new Error(`the topics ${names.join(', ')} got no leaders`);
  } finally {
    await admin.disconnect();
  }
}

export interface InProcessWorker {
  readonly worker: RatingWorker;
  readonly fatal: unknown[];
  /** The value of one metric, 0 where it was never counted. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
}

const running = new Set<RatingWorker>();

/** A worker in this process; resolves when it is a member of its group. Stopped by `stopWorkers`. */
export async function startWorker(
  pipeline: TestPipeline,
  env: Record<string, string> = {},
  overrides: RatingWorkerOptions['overrides'] = {},
): Promise<InProcessWorker> {
  const created = createWorker(pipeline, env, overrides);
  await created.worker.start(new AbortController().signal);
  return created;
}

/** As `startWorker`, but not started yet. */
export function createWorker(
  pipeline: TestPipeline,
  env: Record<string, string> = {},
  overrides: RatingWorkerOptions['overrides'] = {},
): InProcessWorker {
  const fatal: unknown[] = [];
  const level = process.env['LOG_LEVEL'] ?? 'silent';
  const config = readRatingWorkerConfig({ ...pipeline.env, LOG_LEVEL: level, ...env });
  const worker = createRatingWorker({
    config,
    logger: createLogger('rating-worker', config.logLevel),
    onFatal: (error) => fatal.push(error),
    overrides,
  });
  running.add(worker);
  return {
    worker,
    fatal,
    metric: async (name, labels = {}) => {
      const metric = (await worker.metrics.registry.getMetricsAsJSON()).find((one) => one.name === name);
      const wanted = Object.entries(labels);
      const values = (metric?.values ?? []) as Array<{ value: number; labels: Record<string, unknown> }>;
      return values
        .filter((one) => wanted.every(([label, value]) => one.labels[label] === value))
        .reduce((sum, { value }) => sum + value, 0);
    },
  };
}

export async function stopWorkers(): Promise<void> {
  await Promise.all([...running].map((worker) => worker.stop()));
  running.clear();
}

/** A worker as a process of its own, from the compiled code. */
export function spawnWorker(
  { logDirectory, pidDirectory }: TestServers,
  pipeline: TestPipeline,
  name: string,
  port: number,
  env: Record<string, string> = {},
): Promise<ServiceProcess> {
  return startServiceProcess({
    name,
    entry: join(ROOT, 'rating-worker/dist/main.js'),
    env: { ...pipeline.env, REVIEW_PROCESSING_SERVICE_PORT: String(port), LOG_LEVEL: 'debug', ...env },
    logFile: join(logDirectory, `${name}.log`),
    pidDirectory,
    readyUrl: `http://127.0.0.1:${port}/ready`,
  });
}
