import { configSubject, decimal, integer, type ConfigOf } from '../config/variable.js';

export const RATING_PRIOR = configSubject('Weighted ratings', {
  mean: decimal('RATING_PRIOR_MEAN', {
    default: 3.5,
    min: 1,
    max: 5,
    meaning: 'A weighted rating counts every product as if it had `RATING_PRIOR_WEIGHT` more reviews of this rating.',
  }),
  weight: integer('RATING_PRIOR_WEIGHT', {
    default: 10,
    max: 1_000_000,
    meaning:
      'How many such reviews; 0 makes weighted ratings averages. Both must be the same for graph-api and rating-worker.',
  }),
});

/** What weighted ratings count besides the reviews: `weight` reviews of `mean` stars. */
export type RatingPrior = ConfigOf<typeof RATING_PRIOR>;
