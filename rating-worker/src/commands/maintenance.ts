import type { Environment } from '@exact-ratings/shared/config/env-reader.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { configOrExit } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type pg from 'pg';
import { readRatingWorkerConfig } from '../config.js';
import { createDatabasePool, createRatingConnection } from '../connections.js';
import { createMetrics } from '../metrics.js';
import { Rebuilder } from '../ratings/rating-rebuilder.js';
import { Healer } from '../drift/drift-repairer.js';
import { Passes } from '../drift/drift-scans.js';
import { RateLimiter } from '../drift/rate-limiter.js';

/** What the maintenance commands work with: the worker's own parts, without Kafka and BullMQ. */
export interface Maintenance {
  readonly pool: pg.Pool;
  readonly store: RatingStore;
  readonly rebuilder: Rebuilder;
  readonly passes: Passes;
  /** RECONCILER_REBUILDS_PER_SECOND, so that traffic goes on beside it. */
  readonly limiter: RateLimiter;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Prints a line for a person. */
export const say = (line: string): void => void process.stdout.write(`${line}\n`);

const PROGRESS_INTERVAL_MS = 2_000;

/** A function that says how far a long run is, but not more often than every two seconds. */
export function progressOf(what: string): (count: number) => void {
  let reported = Date.now();
  return (count) => {
    if (Date.now() - reported < PROGRESS_INTERVAL_MS) return;
    reported = Date.now();
    say(`${count.toLocaleString('en')} ${what} …`);
  };
}

/** Ends a command whose arguments are wrong: exit code 3. */
export function refuseArguments(error: unknown, usage: string): never {
  process.stderr.write(`${errorMessage(error)}\n\n${usage}`);
  process.exit(3);
}

/** Runs a command on the servers of the environment; its exit code is the result's, or 3 where it failed. */
export async function maintain(
  environment: Environment,
  work: (maintenance: Maintenance) => Promise<number>,
): Promise<void> {
  const config = configOrExit(() => readRatingWorkerConfig(environment));
  const logger = createLogger('maintenance', 'silent');
  const pool = createDatabasePool(config.database, 2, logger);
  const redis = createRatingConnection(config.redis, 'maintenance', logger);
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort(new Error('stopped')));

  const store = new RatingStore(redis, { ttlSeconds: config.ratingTtlSeconds });
  const rebuilder = new Rebuilder(pool, store, logger);
  const limiter = new RateLimiter(config.reconciler.rebuildsPerSecond);
  const metrics = createMetrics();
  const healer = new Healer(store, rebuilder, limiter, metrics, logger);
  const passes = new Passes(store, pool, healer, config.reconciler, metrics, config.ratingTtlSeconds > 0);
  try {
    process.exitCode = await work({ pool, store, rebuilder, passes, limiter, signal: stopping.signal });
  } catch (error) {
    const { host, port } = config.database;
    process.stderr.write(
      `Failed: ${errorMessage(error)}\n` +
        `PostgreSQL ${host}:${port}, Redis ${config.redis.host}:${config.redis.port}: are they up, and is it migrated?\n`,
    );
    process.exitCode = 3;
  } finally {
    redis.disconnect();
    await pool.end();
  }
}
