import type { RatingPrior } from '@exact-ratings/shared/rating/rating-prior-config.js';
import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import { averageRating, reviewCount, weightedRating } from '@exact-ratings/shared/rating/rating-state.js';
import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType({ description: 'How many counted reviews have this many stars.', simpleResolvers: true })
export class RatingBucket {
  @Field(() => Int, { description: '5 to 1.' })
  stars!: number;

  @Field(() => Int, { description: 'The number of reviews.' })
  count!: number;
}

@ObjectType({
  description: "A product's rating over its published reviews, all fields of one and the same version.",
  simpleResolvers: true,
})
export class ProductRating {
  @Field(() => Float, {
    nullable: true,
    description: 'The mean of all counted ratings, 1 to 5; null while there are none.',
  })
  average!: number | null;

  @Field(() => Int, { description: 'The number of counted reviews.' })
  count!: number;

  @Field(() => [RatingBucket], { description: 'Always five buckets, from 5 stars to 1.' })
  distribution!: RatingBucket[];

  @Field(() => Float, {
    nullable: true,
    description:
      'The Bayesian average, which is fair to compare products with few reviews: as if every product had some more reviews of an ordinary rating. Null while there are none.',
  })
  weighted!: number | null;

  @Field(() => Int, { description: 'The `ratingVersion` that this rating holds.' })
  version!: number;

  static of(state: RatingState, prior: RatingPrior): ProductRating {
    const count = reviewCount(state);
    return Object.assign(new ProductRating(), {
      average: count === 0 ? null : averageRating(state),
      count,
      distribution: distributionOf(state),
      weighted: count === 0 ? null : weightedRating(state, prior),
      version: state.seq,
    });
  }
}

/** The five buckets, from 5 stars to 1. */
export function distributionOf({ stars: counts }: Pick<RatingState, 'stars'>): RatingBucket[] {
  return [5, 4, 3, 2, 1].map((stars) => ({ stars, count: counts[stars - 1]! }));
}
