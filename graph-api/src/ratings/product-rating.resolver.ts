import { reviewCount } from '@exact-ratings/shared/rating/rating-state.js';
import { Arg, Ctx, FieldResolver, Float, Int, Resolver, Root } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { Product } from '../products/product.js';
import type { RatingsContext } from './context.js';
import { ProductRating } from './product-rating.js';
import type { ReadRating } from './rating-reader.js';
import { shownAverage } from './read-ahead.js';

/** The fields that ratings add to a product. */
@Resolver(() => Product)
export class ProductRatingResolver {
  @FieldResolver(() => Float, {
    nullable: true,
    description: 'The mean of all counted ratings, 1 to 5; null while there are none.',
  })
  averageRating(@Root() product: Product, @Ctx() { ratings }: RatingsContext): MaybePromise<number | null> {
    return shown(ratings.load(product.id), ({ state }) => shownAverage(state));
  }

  @FieldResolver(() => Int, { description: 'The number of counted reviews.' })
  reviewCount(@Root() product: Product, @Ctx() { ratings }: RatingsContext): MaybePromise<number> {
    return shown(ratings.load(product.id), ({ state }) => reviewCount(state));
  }

  @FieldResolver(() => ProductRating, { description: 'The whole rating.' })
  rating(
    @Root() product: Product,
    @Arg('minVersion', () => Int, {
      nullable: true,
      description: "A `ratingVersion` of a mutation's payload: PostgreSQL answers while Redis is behind it.",
    })
    minVersion: number | null | undefined,
    @Ctx() { ratings }: RatingsContext,
  ): MaybePromise<ProductRating> {
    if (minVersion != null && minVersion < 0) throw badUserInput('minVersion must not be negative', 'minVersion');
    const read = minVersion == null ? ratings.load(product.id) : ratings.loadAtLeast(product.id, minVersion);
    return shown(read, ({ state, source }) => ProductRating.of(state, source));
  }
}

type MaybePromise<T> = T | Promise<T>;

/** What is shown of a rating; at once where it is read already. */
function shown<T>(read: MaybePromise<ReadRating>, show: (read: ReadRating) => T): MaybePromise<T> {
  return read instanceof Promise ? read.then(show) : show(read);
}
