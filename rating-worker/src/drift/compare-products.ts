import {
  readLastSequences,
  readRatingAggregates,
  type Queryable,
} from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { compareRating, type Verdict } from './compare-rating.js';

/** `sequences` is cheap and sees what is behind, ahead or corrupt; `counts` also sees other counts at the same seq. */
export type ComparisonDepth = 'sequences' | 'counts';

export interface ComparedProduct {
  readonly productId: string;
  readonly stored: StoredRating;
  /** What PostgreSQL holds, null where it lacks the product. At depth `sequences` the counts are those of Redis. */
  readonly database: RatingState | null;
  readonly verdict: Verdict;
}

/** Compares products: one MGET, then one statement. Redis is read first, as `compareRating` demands. */
export async function compareProducts(
  store: RatingStore,
  database: Queryable,
  productIds: readonly string[],
  depth: ComparisonDepth,
): Promise<ComparedProduct[]> {
  const stored = await store.inspectMany(productIds);
  const states =
    depth === 'counts' ? await readStates(database, productIds) : await readSequences(database, productIds, stored);
  return productIds.map((productId, i) => {
    const state = states.get(productId) ?? null;
    return { productId, stored: stored[i]!, database: state, verdict: compareRating(stored[i]!, state) };
  });
}

async function readStates(database: Queryable, productIds: readonly string[]): Promise<Map<string, RatingState>> {
  const aggregates = await readRatingAggregates(database, productIds);
  return new Map(aggregates.map((aggregate) => [aggregate.productId, aggregate]));
}

/** The counts are taken over from Redis, so that only the sequence numbers are compared. */
async function readSequences(
  database: Queryable,
  productIds: readonly string[],
  stored: readonly StoredRating[],
): Promise<Map<string, RatingState>> {
  const sequences = await readLastSequences(database, productIds);
  const states = new Map<string, RatingState>();
  productIds.forEach((productId, i) => {
    const seq = sequences.get(productId);
    const redis = stored[i]!;
    if (seq === undefined) return;
    states.set(productId, { seq, stars: redis.kind === 'RATING' ? redis.state.stars : [0, 0, 0, 0, 0] });
  });
  return states;
}
