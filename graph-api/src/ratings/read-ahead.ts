import { averageRating, reviewCount, type RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { Product } from '../products/product.js';

/** Fields of a product that compiled queries find on it; elsewhere the resolvers of ratings answer them. */
export const READ_AHEAD: ReadonlyArray<keyof Product> = ['averageRating', 'reviewCount'];

/** What `Product.averageRating` answers. */
export function shownAverage(state: RatingState): number | null {
  return reviewCount(state) === 0 ? null : averageRating(state);
}

/** Puts the rating where compiled queries find it. */
export function readAhead(product: Product, state: RatingState): void {
  product.averageRating = shownAverage(state);
  product.reviewCount = reviewCount(state);
}
