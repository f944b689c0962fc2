import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Redis } from 'ioredis';
import { readRatingWorkerConfig } from '../config.js';
import { createMetrics } from '../metrics.js';
import type { ProductRatings } from '../persistence/product-ratings.js';
import type { AggregateReader } from '../ratings/aggregate-reader.js';
import type { DriftRepairer } from '../drift/drift-repairer.js';
import { CatalogueScan, OrphanScan, runScan } from '../drift/drift-scans.js';

/** A store in which a scan of all keys finds those of some products only. */
class NarrowedStore extends RatingStore {
  constructor(
    redis: Redis,
    private readonly productIds: readonly string[],
  ) {
    super(redis, { ttlSeconds: 0 });
  }

  override scanPage(): Promise<{ cursor: string; productIds: string[] }> {
    return Promise.resolve({ cursor: '0', productIds: [...this.productIds] });
  }
}

/** A database in which a scan of all products finds some only. */
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

/** The reconciler's scans, its own code, over some products: sequence numbers, then counts, then keys without a product. */
export function reconcilerScans(
  database: Queryable,
  redis: Redis,
  repairer: DriftRepairer,
  reader: AggregateReader,
  ratings: ProductRatings,
) {
  const config = { ...readRatingWorkerConfig({}).reconciler, graceMs: 0 };
  const metrics = createMetrics();
  const { signal } = new AbortController();
  return async (productIds: readonly string[]): Promise<void> => {
    const store = new NarrowedStore(redis, productIds);
    const parts = { store, database: narrowed(database, productIds), reader, repairer, ratings, config, metrics };
    await runScan(new CatalogueScan('sequences', parts), 0, signal);
    await runScan(new CatalogueScan('counts', parts), 0, signal);
    await runScan(new OrphanScan(parts), 0, signal);
  };
}
