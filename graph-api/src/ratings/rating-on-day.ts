import { averageRating, reviewCount, type StarCounts } from '@exact-ratings/shared/rating/rating-state.js';
import { Field, Float, Int, ObjectType } from 'type-graphql';
import { DateScalar } from '../graphql/scalars.js';
import { distributionOf, RatingBucket } from './product-rating.js';

@ObjectType({ description: "A product's rating at the end of a day on which it moved.", simpleResolvers: true })
export class RatingOnDay {
  @Field(() => DateScalar, {
    description: 'The day, in UTC; for the present day, the rating as of up to a minute ago.',
  })
  day!: string;

  @Field(() => Float, {
    nullable: true,
    description: 'The mean of the ratings that counted then, 1 to 5; null where there were none.',
  })
  average!: number | null;

  @Field(() => Int, { description: 'The number of reviews that counted then.' })
  count!: number;

  @Field(() => [RatingBucket], { description: 'Always five buckets, from 5 stars to 1.' })
  distribution!: RatingBucket[];

  static of(day: string, stars: StarCounts): RatingOnDay {
    const count = reviewCount({ stars });
    return Object.assign(new RatingOnDay(), {
      day,
      average: count === 0 ? null : averageRating({ stars }),
      count,
      distribution: distributionOf({ stars }),
    });
  }
}
