import { readRatingAggregates, type Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';

/** Rebuilds ratings from PostgreSQL: one statement for all products, then one script call. */
export class RatingRebuilder {
  constructor(
    private readonly database: Queryable,
    private readonly store: RatingStore,
  ) {}

  /**
   * Writes the products' aggregates to Redis, except where Redis is newer. Products that PostgreSQL lacks are left alone.
   * @returns the sequence numbers that were read, by product that PostgreSQL has
   * @throws the database's error where PostgreSQL fails, ioredis's where Redis does
   */
  async rebuild(productIds: readonly string[]): Promise<Map<string, number>> {
    const aggregates = await readRatingAggregates(this.database, productIds);
    await this.store.replace(aggregates);
    return new Map(aggregates.map(({ productId, seq }) => [productId, seq]));
  }
}
