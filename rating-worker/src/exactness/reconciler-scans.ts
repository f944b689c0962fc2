import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import type { Redis } from 'ioredis';
import { readRatingWorkerConfig } from '../config.js';
import { createMetrics } from '../metrics.js';
import type { Rebuilder } from '../ratings/rating-rebuilder.js';
import { Healer } from '../drift/drift-repairer.js';
import { Passes } from '../drift/drift-scans.js';
import { RateLimiter } from '../drift/rate-limiter.js';

/** A store in which a pass over all keys finds those of some products only. */
class NarrowedStore extends RatingStore {
  constructor(
    redis: Redis,
    private readonly productIds: readonly string[],
  ) {
    super(redis, { ttlSeconds: 0 });
  }

  override async *scanProductIds(): AsyncGenerator<string[]> {
    yield [...this.productIds];
  }
}

/** A database in which a pass over all products finds some only. */
function narrowed(database: Queryable, productIds: readonly string[]): Queryable {
  const isPage = (text: string): boolean => /WHERE product_id > \$1 ORDER BY product_id LIMIT \$2/.test(text);
  return {
    query: async (statement) => {
      if (!isPage(statement.text)) return database.query(statement);
      const [last] = statement.values as [string, number];
      const text =
        'SELECT product_id FROM rating_aggregates WHERE product_id = ANY ($1) AND product_id > $2 ORDER BY 1';
      return database.query({ name: 'narrowed page', text, values: [productIds, last] });
    },
  };
}

/** The reconciler's passes, its own code, over some products: numbers, then contents, then keys without a product. */
export function reconcilerPasses(database: Queryable, redis: Redis, rebuilder: Rebuilder) {
  const config = { ...readRatingWorkerConfig({}).reconciler, graceMs: 0, pageIntervalMs: 0, rebuildsPerSecond: 1e9 };
  const metrics = createMetrics();
  const logger = createLogger('e2e', 'silent');
  const { signal } = new AbortController();
  return async (productIds: readonly string[]): Promise<void> => {
    const store = new NarrowedStore(redis, productIds);
    const healer = new Healer(store, rebuilder, new RateLimiter(config.rebuildsPerSecond), metrics, logger);
    const passes = new Passes(store, narrowed(database, productIds), healer, config, metrics, false);
    await passes.forward({ content: false, refill: false }, signal);
    await passes.forward({ content: true, refill: false }, signal);
    await passes.reverse(signal);
  };
}
