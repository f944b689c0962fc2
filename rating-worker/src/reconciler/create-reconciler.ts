import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Redis } from 'ioredis';
import type { RatingWorkerConfig } from '../config.js';
import type { WorkerMetrics } from '../metrics.js';
import type { Rebuilder } from '../ratings/rating-rebuilder.js';
import { Healer } from '../drift/drift-repairer.js';
import { LeaderLease } from './leader-lease.js';
import { Passes } from '../drift/drift-scans.js';
import { RateLimiter } from '../drift/rate-limiter.js';
import type { RecentProducts } from './recent-products.js';
import { Reconciler } from './reconciler.js';
import { RedisSigns } from './data-loss-detector.js';

export interface ReconcilerParts {
  readonly config: RatingWorkerConfig;
  readonly redis: Redis;
  readonly store: RatingStore;
  readonly database: Queryable;
  readonly rebuilder: Rebuilder;
  readonly recent: RecentProducts;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/** Its keys in Redis bear the queue's name: workers of one queue elect one of them. */
export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { config, redis, store, database, rebuilder, recent, metrics, logger } = parts;
  const { reconciler, jobs } = config;
  const key = (name: string): string => `rating-worker:${jobs.queueName}:${name}`;
  const limiter = new RateLimiter(reconciler.rebuildsPerSecond);
  const healer = new Healer(store, rebuilder, limiter, metrics, logger);
  return new Reconciler(
    new Passes(store, database, healer, reconciler, metrics, config.ratingTtlSeconds > 0),
    recent,
    new LeaderLease(redis, key('leader'), reconciler.leaseMs),
    new RedisSigns(redis, key('heartbeat'), key('comparison-requests')),
    reconciler,
    metrics,
    logger,
  );
}
