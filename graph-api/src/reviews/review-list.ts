import { Arg, Args, Ctx, FieldResolver, Int, ObjectType, Query, Resolver, Root } from 'type-graphql';
import type { Viewer } from '../auth/viewer.js';
import { connectionType, edgeType } from '../pagination/connection.js';
import { filterDigest } from '../pagination/filter.js';
import type { ListRequest } from '../pagination/list-request.js';
import type { Page } from '../pagination/page.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import { Product } from '../products/product.js';
import type { ReviewsContext } from './context.js';
import { reviewCondition, ReviewFilter, starsOnly } from './review-filter.js';
import { REVIEW_ORDER_ARGUMENT, REVIEW_ORDERS, ReviewOrder } from './review-order.js';
import { Review } from './review.js';

const ReviewEdge = edgeType(Review, 'Review');

@ObjectType({ description: 'A page of reviews.' })
export class ReviewConnection extends connectionType(Review, ReviewEdge, 'Review') {
  /** @param count reads the length of the whole list */
  constructor(
    page: Page<Review>,
    readonly count: () => Promise<number>,
  ) {
    super(page);
  }
}

/** The arguments of a list of reviews. */
interface ReviewListArguments {
  readonly page: PageArguments;
  readonly filter: ReviewFilter | null | undefined;
  readonly orderBy: ReviewOrder;
}

/**
 * @param kind the kind of the list's cursors
 * @throws BAD_USER_INPUT, FORBIDDEN, UNAUTHENTICATED as `parsePageArguments` and `reviewCondition` do
 */
function reviewListRequest(
  kind: string,
  { page, filter, orderBy }: ReviewListArguments,
  viewer: Viewer | null,
): ListRequest {
  const scope = {
    kind,
    order: REVIEW_ORDERS[orderBy.field],
    direction: orderBy.direction,
    filter: filterDigest(filter),
  };
  return { ...scope, condition: reviewCondition(filter, viewer), page: parsePageArguments(page, scope) };
}

/** The list that reviews add to a product. */
@Resolver(() => Product)
export class ProductReviewsResolver {
  @FieldResolver(() => ReviewConnection, {
    description: "The product's published reviews, or those that fit a filter, in one order.",
  })
  async reviews(
    @Root() { id }: Product,
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => ReviewFilter, { nullable: true, description: 'Which reviews of the product.' })
    filter: ReviewFilter | null | undefined,
    @Arg('orderBy', () => ReviewOrder, REVIEW_ORDER_ARGUMENT) orderBy: ReviewOrder,
    @Ctx() { reviews, ratings, viewer }: ReviewsContext,
  ) {
    const request = reviewListRequest('product-review', { page, filter, orderBy }, viewer);
    const read = await reviews.page(id, request);
    return new ReviewConnection(read, async () => {
      const stars = starsOnly(filter);
      if (stars === null) return reviews.countOf(id, request.condition);
      const rating = await ratings.load(id);
      return stars.reduce((sum, star) => sum + rating.stars[star - 1]!, 0);
    });
  }
}

@Resolver(() => ReviewConnection)
export class ReviewConnectionResolver {
  @Query(() => ReviewConnection, {
    description:
      'The published reviews of all products, or those that fit a filter, in one order; with other statuses, for admins, those that wait or were rejected.',
  })
  async reviews(
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => ReviewFilter, { nullable: true, description: 'Which reviews.' })
    filter: ReviewFilter | null | undefined,
    @Arg('orderBy', () => ReviewOrder, REVIEW_ORDER_ARGUMENT) orderBy: ReviewOrder,
    @Ctx() { reviews, viewer }: ReviewsContext,
  ) {
    const request = reviewListRequest('review', { page, filter, orderBy }, viewer);
    const read = await reviews.list(request);
    return new ReviewConnection(read, () => reviews.count(request.condition));
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description:
      "The length of the whole list. Of a product's list, whole or of some stars, the count of its rating, of the same version. Computed only when asked for.",
  })
  totalCount(@Root() { count }: ReviewConnection): Promise<number> {
    return count();
  }
}
