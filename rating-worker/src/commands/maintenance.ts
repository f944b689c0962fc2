import type { Environment } from '@exact-ratings/shared/config/env-reader.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { onStopRequest } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readRatingWorkerConfig } from '../config.js';
import { createDatabasePool, createRatingConnection } from '../connections.js';
import { DriftRepairer } from '../drift/drift-repairer.js';
import type { ScanParts } from '../drift/drift-scans.js';
import { RateLimiter } from '../drift/rate-limiter.js';
import { createMetrics } from '../metrics.js';
import { ProductRatings } from '../persistence/product-ratings.js';
import { AggregateReader } from '../ratings/aggregate-reader.js';
import { GuardedDatabase } from '../ratings/guarded-database.js';
import { RatingRebuilder } from '../ratings/rating-rebuilder.js';
import { SequenceAdvancer } from '../ratings/sequence-advancer.js';
import { SetAsideProducts } from '../ratings/set-aside-products.js';

/** What the commands work with: the worker's own parts, without Kafka and BullMQ. */
export interface Maintenance extends ScanParts {
  readonly rebuilder: RatingRebuilder;
  readonly advancer: SequenceAdvancer;
  /** RECONCILER_REBUILDS_PER_SECOND, so that traffic goes on beside it. */
  readonly limiter: RateLimiter;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/**
 * Runs a command's work on the servers of the environment, and closes the connections.
 * @returns the work's exit code
 * @throws an error that names the servers' addresses where the work fails
 */
export async function withMaintenance(
  environment: Environment,
  work: (maintenance: Maintenance) => Promise<number>,
): Promise<number> {
  const config = readRatingWorkerConfig(environment);
  const logger = createLogger('maintenance', 'silent');
  const pool = createDatabasePool(config.database, { ...config.databasePool, size: 2 }, logger);
  const redis = createRatingConnection(config.redis, 'maintenance', logger);
  try {
    const stopping = new AbortController();
    onStopRequest(
      () => stopping.abort(new Error('stopped')),
      () => process.exit(3),
    );

    const store = new RatingStore(redis, { ttlSeconds: config.ratingTtlSeconds });
    const metrics = createMetrics();
    const database = new GuardedDatabase(pool, logger);
    const setAside = new SetAsideProducts(config.databasePool.statementTimeoutMs, metrics.setAside, logger);
    const reader = new AggregateReader(database, setAside);
    const rebuilder = new RatingRebuilder(reader, store);
    const advancer = new SequenceAdvancer(database, rebuilder, store, logger);
    const limiter = new RateLimiter(config.reconciler.rebuildsPerSecond);
    const repairer = new DriftRepairer({ store, rebuilder, advancer, limiter, metrics, logger });
    const ratings = new ProductRatings(database, config.ratingPrior, setAside);
    const scanParts: ScanParts = { store, database, reader, repairer, ratings, config: config.reconciler, metrics };
    return await work({ ...scanParts, rebuilder, advancer, limiter, signal: stopping.signal });
  } catch (error) {
    const { host, port } = config.database;
    throw new Error(
      `${errorMessage(error)}\n` +
        `PostgreSQL ${host}:${port}, Redis ${config.redis.host}:${config.redis.port}: are they up, and is it migrated?`,
      { cause: error },
    );
  } finally {
    redis.disconnect();
    await pool.end();
  }
}
