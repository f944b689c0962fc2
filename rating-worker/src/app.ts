import { setMaxListeners } from 'node:events';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { retryUntilAborted } from '@exact-ratings/shared/runtime/backoff.js';
import { startMonitoringServer } from '@exact-ratings/shared/runtime/monitoring-server.js';
import { ReleaseStack } from '@exact-ratings/shared/runtime/lifecycle.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { settledWithin, untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import type { Consumer } from 'kafkajs';
import type { RatingWorkerConfig } from './config.js';
import { createDatabasePool, createQueueConnection, createRatingConnection, warnIfRedisEvicts } from './connections.js';
import { Dispatcher } from './consumer/job-dispatcher.js';
import { ReviewConsumer } from './consumer/consumer-group.js';
import { createMetrics, type WorkerMetrics } from './metrics.js';
import { RatingProcessor } from './ratings/rating-processor.js';
import { Rebuilder } from './ratings/rating-rebuilder.js';
import { createReconciler } from './reconciler/create-reconciler.js';
import { RecentProducts } from './reconciler/recent-products.js';
import { RatingQueue } from './queue/rating-queue.js';
import { startRatingQueueWorker } from './queue/rating-job-worker.js';

export interface RatingWorkerOptions {
  readonly config: RatingWorkerConfig;
  readonly logger: Logger;
  /** Hears of what waiting cannot mend; the process must end, so that its supervisor starts it again. */
  readonly onFatal: (error: unknown) => void;
  /** What tests put in place of the real parts. */
  readonly overrides?: {
    readonly database?: Queryable;
    readonly wrapConsumer?: (consumer: Consumer) => Consumer;
  };
}

export interface RatingWorker {
  readonly metrics: WorkerMetrics;
  /** The port of /health, /ready and /metrics; they answer as soon as `start` was called. */
  port(): number;
  /**
   * Waits for the servers without end; resolves once the consumer group is joined.
   * @throws the signal's reason once aborted; the signal ends these first waits, not the work afterwards.
   */
  start(signal: AbortSignal): Promise<void>;
  /** Stops fetching, lets the jobs in flight finish, commits their offsets, closes everything; bounded. */
  stop(): Promise<void>;
  readiness(): Promise<Record<string, boolean>>;
}

/** The composition root: opens every part and hands it to those that need it. */
export function createRatingWorker({ config, logger, onFatal, overrides }: RatingWorkerOptions): RatingWorker {
  const metrics = createMetrics();
  const resources = new ReleaseStack();
  const waits = new AbortController();
  setMaxListeners(0, waits.signal);
  let ready: () => Promise<Record<string, boolean>> = () => Promise.resolve({ kafka: false, redis: false });
  let port = 0;

  const start = async (signal: AbortSignal): Promise<void> => {
    const health = await startMonitoringServer({
      host: config.host,
      port: config.port,
      readiness: () => ready(),
      metrics: metrics.registry,
    });
    port = health.port;
    resources.push('health server', () => health.stop());
    logger.info({ port }, 'listening: /health, /ready, /metrics');

    const pool = createDatabasePool(config.database, config.databasePoolSize, logger);
    resources.push('PostgreSQL', () => bounded(pool.end()));
    const database = overrides?.database ?? pool;
    const ratingRedis = createRatingConnection(config.redis, 'rating-worker:ratings', logger);
    const queueRedis = createQueueConnection(config.redis, 'rating-worker:queue', logger);
    const workerRedis = createQueueConnection(config.redis, 'rating-worker:jobs', logger);
    resources.push('Redis', () => [ratingRedis, queueRedis, workerRedis].forEach((redis) => redis.disconnect()));
    await retryUntilAborted(
      () => untilAborted(warnIfRedisEvicts(ratingRedis, logger), signal),
      () => {},
      signal,
    );

    const store = new RatingStore(ratingRedis, { ttlSeconds: config.ratingTtlSeconds });
    const queue = new RatingQueue(queueRedis, config.jobs, logger);
    resources.push('queue', () => bounded(queue.close()));
    const rebuilder = new Rebuilder(database, store, logger);
    const recent = new RecentProducts(config.reconciler.recentWindowMs);
    const reconciler = createReconciler({
      config,
      redis: ratingRedis,
      store,
      database,
      rebuilder,
      recent,
      metrics,
      logger,
    });
    const processor = new RatingProcessor(store, rebuilder, queue, config.jobs, metrics, (products) => {
      logger.warn({ products }, 'Kafka holds events that PostgreSQL has forgotten: everything is compared');
      reconciler.requestComparison().catch((error: unknown) => logger.warn({ err: error }, 'could not ask for it'));
    });
    const queueWorker = startRatingQueueWorker(
      workerRedis,
      config.jobs,
      (job) => processor.process(job),
      metrics,
      logger,
    );
    resources.push('queue worker', () => queueWorker.close(config.stopTimeoutMs / 3));

    if (config.reconciler.enabled) {
      reconciler.start();
      resources.push('reconciler', () => bounded(reconciler.stop()));
    }

    const dispatcher = new Dispatcher(queue, config.jobs.maxEvents, recent, logger, waits.signal);
    const redisAnswers = async (): Promise<boolean> =>
      ratingRedis.status === 'ready' && (await answersWithin(ratingRedis.ping(), 1_000));
    const consumer = new ReviewConsumer({
      config,
      dispatcher,
      metrics,
      logger,
      signal: waits.signal,
      onFatal,
      serversAreAway: async () => !(await redisAnswers()) || !(await answersWithin(pool.query('SELECT 1'), 3_000)),
      wrapConsumer: overrides?.wrapConsumer,
    });
    resources.push('consumer', () =>
      consumer.stop(config.stopTimeoutMs, () => waits.abort(new Error('the worker stops'))),
    );
    ready = async () => ({ kafka: consumer.isReady(), redis: await redisAnswers() });
    await consumer.start(signal);
  };

  const stop = async (): Promise<void> => {
    await resources.releaseAll(logger);
  };
  return { metrics, port: () => port, start, stop, readiness: () => ready() };
}

async function bounded(closing: Promise<unknown>): Promise<void> {
  await settledWithin(closing, 1_000);
}

async function answersWithin(answer: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let answered = false;
  const noted = answer.then(
    () => {
      answered = true;
    },
    () => {},
  );
  await settledWithin(noted, milliseconds);
  return answered;
}
