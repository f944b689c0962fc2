import type { PositionedRating } from '@exact-ratings/shared/rating/rating-state.js';
import { weightedRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { PersistedRating, ProductRatings } from './product-ratings.js';

/**
 * The products whose persisted ratings differ from PostgreSQL's own aggregates, read before, where no pass will put that right: those
 * that are not dirty, and have no row, one that does not hold the last event of the stream, or other numbers at the same event.
 * @param aggregates by product
 * @throws the database's error
 */
export async function findPersistedDrift(
  ratings: ProductRatings,
  aggregates: ReadonlyMap<string, PositionedRating>,
): Promise<string[]> {
  const persisted = await ratings.read([...aggregates.keys()]);
  return persisted
    .filter((one) => !one.dirty && differs(ratings, one, aggregates.get(one.productId)!))
    .map(({ productId }) => productId);
}

function differs(
  ratings: ProductRatings,
  { rating, isCurrent }: PersistedRating,
  aggregate: PositionedRating,
): boolean {
  if (rating === null || !isCurrent) return true;
  // Persisted since the aggregate was read: nothing can be said.
  if (rating.seq !== aggregate.seq || rating.eventTag !== aggregate.eventTag) return false;
  return (
    rating.stars.some((count, i) => count !== aggregate.stars[i]) ||
    rating.weighted !== weightedRating(aggregate, ratings.prior)
  );
}
