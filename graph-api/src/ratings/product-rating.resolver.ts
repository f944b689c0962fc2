import { reviewCount, type RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import { Ctx, FieldResolver, Float, Int, Resolver, Root } from 'type-graphql';
import { Product } from '../products/product.js';
import type { RatingsContext } from './context.js';
import { ProductRating } from './product-rating.js';
import { shownAverage } from './read-ahead.js';

/** The fields that ratings add to a product. */
@Resolver(() => Product)
export class ProductRatingResolver {
  @FieldResolver(() => Float, {
    nullable: true,
    description: 'The mean of all counted ratings, 1 to 5; null while there are none.',
  })
  averageRating(@Root() product: Product, @Ctx() { ratings }: RatingsContext): MaybePromise<number | null> {
    return shown(ratings.load(product.id), shownAverage);
  }

  @FieldResolver(() => Int, { description: 'The number of counted reviews.' })
  reviewCount(@Root() product: Product, @Ctx() { ratings }: RatingsContext): MaybePromise<number> {
    return shown(ratings.load(product.id), reviewCount);
  }

  @FieldResolver(() => ProductRating, {
    description:
      'The whole rating; `averageRating` and `reviewCount` of the same answer are always its average and count.',
  })
  rating(@Root() product: Product, @Ctx() { ratings, ratingPrior }: RatingsContext): MaybePromise<ProductRating> {
    return shown(ratings.load(product.id), (state) => ProductRating.of(state, ratingPrior));
  }
}

type MaybePromise<T> = T | Promise<T>;

/** What is shown of a rating; at once where it is read already. */
function shown<T>(read: MaybePromise<RatingState>, show: (state: RatingState) => T): MaybePromise<T> {
  return read instanceof Promise ? read.then(show) : show(read);
}
