import type { RatingPrior } from '@exact-ratings/shared/rating/rating-prior-config.js';
import type { RatingHistoryLoader } from './rating-history-loader.js';
import type { RatingLoader } from './rating-loader.js';

/** What the resolvers of ratings take from a request. */
export interface RatingsContext {
  readonly ratings: RatingLoader;
  readonly ratingHistory: RatingHistoryLoader;
  /** The prior of weighted ratings. */
  readonly ratingPrior: RatingPrior;
}
