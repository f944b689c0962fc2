import type { RatingLoader } from './rating-loader.js';

/** What the resolvers of ratings take from a request. */
export interface RatingsContext {
  readonly ratings: RatingLoader;
}
