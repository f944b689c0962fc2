import { setMaxListeners } from 'node:events';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { PermanentError, waitFor } from '@exact-ratings/shared/runtime/backoff.js';
import { settledWithin, untilAborted, withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import { ReleaseStack } from '@exact-ratings/shared/runtime/lifecycle.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { startMonitoringServer } from '@exact-ratings/shared/runtime/monitoring-server.js';
import type { Consumer } from 'kafkajs';
import type { RatingWorkerConfig } from './config.js';
import { createDatabasePool, createQueueConnection, createRatingConnection, checkRedisMemory } from './connections.js';
import { createBatchHandler } from './consumer/batch-handler.js';
import { ConsumerGroup, consumerOptions } from './consumer/consumer-group.js';
import { ConsumerMonitor } from './consumer/consumer-monitor.js';
import { JobDispatcher } from './consumer/job-dispatcher.js';
import { OffsetCommitter } from './consumer/offset-committer.js';
import { DeadLetterProducer } from './dead-letters/dead-letter-producer.js';
import { DriftRepairer } from './drift/drift-repairer.js';
import { CatalogueScan, OrphanScan, type ScanParts } from './drift/drift-scans.js';
import { RateLimiter } from './drift/rate-limiter.js';
import { createMetrics, type WorkerMetrics } from './metrics.js';
import { ProductRatings } from './persistence/product-ratings.js';
import { RatingPersister } from './persistence/rating-persister.js';
import { startRatingJobWorker } from './queue/rating-job-worker.js';
import { RatingQueue } from './queue/rating-queue.js';
import { AggregateReader } from './ratings/aggregate-reader.js';
import { GuardedDatabase } from './ratings/guarded-database.js';
import { RatingProcessor } from './ratings/rating-processor.js';
import { RatingRebuilder } from './ratings/rating-rebuilder.js';
import { SequenceAdvancer } from './ratings/sequence-advancer.js';
import { SetAsideProducts } from './ratings/set-aside-products.js';
import { DataLossDetector } from './reconciler/data-loss-detector.js';
import { LeaderLease } from './reconciler/leader-lease.js';
import { RecentCheck } from './reconciler/recent-check.js';
import { RecentProducts } from './reconciler/recent-products.js';
import { Reconciler } from './reconciler/reconciler.js';

export interface RatingWorkerOptions {
  readonly config: RatingWorkerConfig;
  readonly logger: Logger;
  /** Called when the process must end, so that its supervisor starts it again. */
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
  const metrics = createMetrics(() => ready());
  const resources = new ReleaseStack();
  const waits = new AbortController();
  setMaxListeners(0, waits.signal);
  let ready: () => Promise<Record<string, boolean>> = () =>
    Promise.resolve({ kafka: false, redis: false, postgres: false, queue: true, deadLetters: true });
  let port = 0;

  const start = async (signal: AbortSignal): Promise<void> => {
    const monitoring = await startMonitoringServer({
      host: config.host,
      port: config.port,
      readiness: () => ready(),
      // Without it events of known products are applied, and the rest is deferred.
      shownOnly: ['postgres'],
      metrics: metrics.registry,
    });
    port = monitoring.port;
    resources.push('monitoring server', () => monitoring.stop());
    logger.info({ port }, 'listening: /health, /ready, /metrics');

    const pool = createDatabasePool(config.database, config.databasePool, logger);
    resources.push('PostgreSQL', () => bounded(pool.end()));
    // It may be down: only what waiting does not end is fatal.
    const databaseWait = new AbortController();
    resources.push('wait for PostgreSQL', () => databaseWait.abort(new Error('the worker stops')));
    waitFor('PostgreSQL', () => pool.query('SELECT 1'), logger, databaseWait.signal).catch((error: unknown) => {
      if (error instanceof PermanentError) onFatal(error);
    });
    const ratingRedis = createRatingConnection(config.redis, 'rating-worker:ratings', logger);
    resources.push('Redis', () => ratingRedis.disconnect());
    const { mayReadInfo } = await waitFor(
      'a Redis that keeps jobs',
      () => untilAborted(checkRedisMemory(ratingRedis, logger), signal),
      logger,
      signal,
    );
    const queueRedis = createQueueConnection(config.redis, 'rating-worker:queue', mayReadInfo, logger);
    const workerRedis = createQueueConnection(config.redis, 'rating-worker:jobs', mayReadInfo, logger);
    resources.push('Redis for jobs', () => [queueRedis, workerRedis].forEach((redis) => redis.disconnect()));

    // Ratings and their repair.
    const database = new GuardedDatabase(overrides?.database ?? pool, logger);
    const setAside = new SetAsideProducts(config.databasePool.statementTimeoutMs, metrics.setAside, logger);
    const reader = new AggregateReader(database, setAside);
    const store = new RatingStore(ratingRedis, { ttlSeconds: config.ratingTtlSeconds });
    const rebuilder = new RatingRebuilder(reader, store);
    const advancer = new SequenceAdvancer(database, rebuilder, store, logger);
    const limiter = new RateLimiter(config.reconciler.rebuildsPerSecond);
    const repairer = new DriftRepairer({ store, rebuilder, advancer, limiter, metrics, logger });
    // Apart from the other database's failures: a right that lacks here holds up no rebuild.
    const ratings = new ProductRatings(
      new GuardedDatabase(overrides?.database ?? pool, logger),
      config.ratingPrior,
      setAside,
    );
    const scanParts: ScanParts = { store, database, reader, repairer, ratings, config: config.reconciler, metrics };

    // The reconciler's keys bear the queue's name: workers of one queue elect one of them.
    const key = (name: string): string => `rating-worker:${config.jobs.queueName}:${name}`;
    const recentProducts = new RecentProducts(config.reconciler.recentWindowMs);
    const reconciler = new Reconciler({
      scans: {
        sequences: new CatalogueScan('sequences', scanParts),
        counts: new CatalogueScan('counts', scanParts),
        orphans: new OrphanScan(scanParts),
      },
      recent: new RecentCheck(recentProducts, scanParts, config.ratingTtlSeconds > 0),
      lease: new LeaderLease(ratingRedis, key('leader'), config.reconciler.leaseMs),
      detector: new DataLossDetector(ratingRedis, key('heartbeat'), key('comparison-requests')),
      config: config.reconciler,
      metrics,
      logger,
    });

    // Jobs.
    const queue = new RatingQueue(queueRedis, config.jobs, logger, { skipVersionCheck: !mayReadInfo });
    resources.push('queue', () => bounded(queue.close()));
    const processor = new RatingProcessor({
      store,
      rebuilder,
      advancer,
      setAside,
      queue,
      config: config.jobs,
      metrics,
      onTimelineDiverged: (products) => {
        logger.warn({ products }, 'Kafka holds events of a timeline that PostgreSQL has discarded: all is compared');
        reconciler.requestComparison().catch((error: unknown) => {
          logger.warn({ err: error }, 'the comparison could not be requested');
        });
      },
    });
    const jobWorker = startRatingJobWorker({
      redis: workerRedis,
      config: config.jobs,
      process: (job) => processor.process(job),
      skipVersionCheck: !mayReadInfo,
      metrics,
      logger,
    });
    resources.push('job worker', () => jobWorker.close(config.stopTimeoutMs / 3));
    if (config.reconciler.enabled) {
      reconciler.start();
      resources.push('reconciler', () => bounded(reconciler.stop()));
    }

    const persister = new RatingPersister({
      ratings,
      config: config.persistence,
      metrics,
      logger,
    });
    if (config.persistence.enabled) {
      persister.start();
      resources.push('persisted ratings', () => bounded(persister.stop()));
    }

    // Kafka.
    const kafka = createKafkaClient(config.kafka, 'rating-worker', logger);
    const deadLetters = new DeadLetterProducer(kafka, config.kafka.deadLetterTopic, metrics, logger);
    resources.push('dead letters', () => bounded(deadLetters.close()));
    const dispatcher = new JobDispatcher({
      queue,
      maxEvents: config.jobs.maxEvents,
      logger,
      signal: waits.signal,
      onApplied: (events) => {
        for (const { productId, seq } of events) recentProducts.note(productId, seq);
      },
    });
    const consumer = kafka.consumer(consumerOptions(config.consumer));
    const group = new ConsumerGroup({
      topic: config.kafka.topic,
      config: config.consumer,
      kafka,
      consumer: overrides?.wrapConsumer?.(consumer) ?? consumer,
      offsets: new OffsetCommitter(config.kafka.topic, logger),
      handleBatch: createBatchHandler({
        dispatch: (events) => dispatcher.dispatch(events),
        sendDeadLetters: (messages, ended) => deadLetters.send(messages, ended),
      }),
      logger,
      signal: waits.signal,
      onCrash: onFatal,
    });
    resources.push('consumer group', async () => {
      const endWaits = (): void => waits.abort(new Error('the worker stops'));
      await group.stop(config.stopTimeoutMs, endWaits);
      // Dead letters that Kafka does not take are waited for by no batch.
      endWaits();
    });
    const redisAnswers = async (): Promise<boolean> =>
      ratingRedis.status === 'ready' && (await answersWithin(ratingRedis.ping(), 1_000));
    const monitor = new ConsumerMonitor({
      kafka,
      topic: config.kafka.topic,
      groupId: config.consumer.groupId,
      stallMs: config.consumer.stallTimeoutMs,
      consumer: group,
      hasReasonToWait: async () =>
        deadLetters.isSending || !(await redisAnswers()) || !(await answersWithin(pool.query('SELECT 1'), 3_000)),
      metrics,
      logger,
      onStalled: onFatal,
    });
    resources.push('consumer monitor', () => bounded(monitor.stop()));
    ready = async () => ({
      kafka: group.isMember() && !monitor.isStalled,
      redis: await redisAnswers(),
      postgres: await database.answers(),
      queue: !(await withDeadline(queue.isPaused(), 1_000, 'Redis did not tell').catch(() => false)),
      deadLetters: !deadLetters.isBlocked,
    });

    await group.connect(signal);
    monitor.start();
    await group.run();
  };

  const stop = async (): Promise<void> => {
    await resources.releaseAll(logger);
  };
  return { metrics, port: () => port, start, stop, readiness: () => ready() };
}

async function bounded(closing: Promise<unknown>): Promise<void> {
  await settledWithin(closing, 1_000);
}

/** Whether the promise resolves within the time. */
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
