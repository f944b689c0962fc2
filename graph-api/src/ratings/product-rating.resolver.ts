import { averageRating, reviewCount } from '@exact-ratings/shared/rating/rating-state.js';
import { Arg, Ctx, FieldResolver, Float, Int, Resolver, Root } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { Product } from '../products/product.js';
import type { RatingsContext } from './context.js';
import { ProductRating } from './product-rating.js';

/** The fields that ratings add to a product. */
@Resolver(() => Product)
export class ProductRatingResolver {
  @FieldResolver(() => Float, {
    nullable: true,
    description: 'The mean of all counted ratings, 1 to 5; null while there are none.',
  })
  async averageRating(@Root() product: Product, @Ctx() { ratings }: RatingsContext): Promise<number | null> {
    const { state } = await ratings.load(product.id);
    return reviewCount(state) === 0 ? null : averageRating(state);
  }

  @FieldResolver(() => Int, { description: 'The number of counted reviews.' })
  async reviewCount(@Root() product: Product, @Ctx() { ratings }: RatingsContext): Promise<number> {
    return reviewCount((await ratings.load(product.id)).state);
  }

  @FieldResolver(() => ProductRating, { description: 'The whole rating.' })
  async rating(
    @Root() product: Product,
    @Arg('minVersion', () => Int, {
      nullable: true,
      description: "A `ratingVersion` of a mutation's payload: PostgreSQL answers while Redis is behind it.",
    })
    minVersion: number | null | undefined,
    @Ctx() { ratings }: RatingsContext,
  ): Promise<ProductRating> {
    if (minVersion != null && minVersion < 0) throw badUserInput('minVersion must not be negative', 'minVersion');
    const { state, source } = await (minVersion == null
      ? ratings.load(product.id)
      : ratings.loadAtLeast(product.id, minVersion));
    return ProductRating.of(state, source);
  }
}
