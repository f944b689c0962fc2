import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingSnapshots } from '@exact-ratings/shared/rating/rating-snapshots.js';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { compareRating } from '../../../rating-worker/dist/audit/compare-ratings.js';
import type { Rebuilder } from '../../../rating-worker/dist/processor/rebuilder.js';

/** One pass over the products: what is behind or spoilt is rebuilt; where Redis is ahead, SQL's number moves forward. */
export function reconcilerPass(pool: pg.Pool, redis: Redis, store: RatingStore, rebuilder: Rebuilder) {
  return async (productIds: readonly string[]): Promise<void> => {
    const stored = await store.inspectMany(productIds);
    const sql = new Map((await readRatingSnapshots(pool, productIds)).map((one) => [one.productId, one]));
    for (const [i, productId] of productIds.entries()) {
      const redisRating = stored[i]!;
      const verdict = compareRating(redisRating, sql.get(productId) ?? null);
      if (verdict.kind === 'BEHIND') await rebuilder.rebuild([productId]);
      if (verdict.kind !== 'DIFFERENT') continue;
      if (verdict.reason === 'ORPHAN') {
        const { rating, reviewCount, state } = ratingKeys(productId);
        await redis.del(rating, reviewCount, state);
        continue;
      }
      if (verdict.reason !== 'SPOILT') {
        const seq =
          redisRating.kind === 'RATING' ? redisRating.state.seq : redisRating.kind === 'DELETED' ? redisRating.seq : 0;
        await pool.query(
          'UPDATE product_review_sequences SET last_seq = greatest(last_seq, $2) + 1000000 WHERE product_id = $1',
          [productId, seq],
        );
      }
      await rebuilder.rebuild([productId]);
    }
  };
}
