import { averageRating, reviewCount, type RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { RequestedFields } from '../graphql/requested-fields.js';
import type { Product } from '../products/product.js';

/** Fields of a product that compiled queries find on it; elsewhere the resolvers of ratings answer them. */
export const READ_AHEAD: ReadonlyArray<keyof Product> = ['averageRating', 'reviewCount'];

/**
 * Whether an operation's ratings are read before the fields of its products are answered. Where a version is asked for,
 * they are read once all such wishes are known.
 */
export function ratingsAreReadAhead(fields: RequestedFields): boolean {
  return !fields.has('Product', 'rating(minVersion)');
}

/** What `Product.averageRating` answers. */
export function shownAverage(state: RatingState): number | null {
  return reviewCount(state) === 0 ? null : averageRating(state);
}

/** Puts the rating where compiled queries find it. */
export function readAhead(product: Product, state: RatingState): void {
  product.averageRating = shownAverage(state);
  product.reviewCount = reviewCount(state);
}
