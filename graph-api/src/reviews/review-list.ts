import { reviewCount } from '@exact-ratings/shared/rating/rating-state.js';
import { Args, Ctx, FieldResolver, Int, ObjectType, Resolver, Root } from 'type-graphql';
import { connectionType, edgeType } from '../pagination/connection.js';
import type { Page } from '../pagination/page.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import { Product } from '../products/product.js';
import type { ReviewsContext } from './context.js';
import { Review } from './review.js';

const ReviewEdge = edgeType(Review, 'Review');

@ObjectType({ description: 'A page of reviews.' })
export class ReviewConnection extends connectionType(Review, ReviewEdge, 'Review') {
  /** @param productId the product whose reviews these are */
  constructor(
    readonly productId: string,
    page: Page<Review>,
  ) {
    super(page);
  }
}

/** The list that reviews add to a product. */
@Resolver(() => Product)
export class ProductReviewsResolver {
  @FieldResolver(() => ReviewConnection, { description: "The product's published reviews, newest first." })
  async reviews(
    @Root() product: Product,
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { reviews }: ReviewsContext,
  ) {
    return new ReviewConnection(product.id, await reviews.page(product.id, parsePageArguments(page, 'review')));
  }
}

@Resolver(() => ReviewConnection)
export class ReviewConnectionResolver {
  @FieldResolver(() => Int, {
    nullable: true,
    description: "The length of the whole list: the count of the product's rating, of the same version.",
  })
  async totalCount(@Root() { productId }: ReviewConnection, @Ctx() { ratings }: ReviewsContext): Promise<number> {
    return reviewCount(await ratings.load(productId));
  }
}
