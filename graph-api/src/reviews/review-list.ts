import { reviewCount } from '@exact-ratings/shared/rating/rating-state.js';
import { Arg, Args, Ctx, FieldResolver, Int, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { connectionType, edgeType } from '../pagination/connection.js';
import type { Page } from '../pagination/page.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import { Product } from '../products/product.js';
import type { ReviewsContext } from './context.js';
import { OrderDirection, reviewCondition, ReviewFilter, ReviewOrder, ReviewOrderField } from './review-filter.js';
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

/** The list that reviews add to a product. */
@Resolver(() => Product)
export class ProductReviewsResolver {
  @FieldResolver(() => ReviewConnection, { description: "The product's published reviews, newest first." })
  async reviews(
    @Root() product: Product,
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { reviews, ratings }: ReviewsContext,
  ) {
    const read = await reviews.page(product.id, parsePageArguments(page, 'review'));
    return new ReviewConnection(read, async () => reviewCount(await ratings.load(product.id)));
  }
}

@Resolver(() => ReviewConnection)
export class ReviewConnectionResolver {
  @Query(() => ReviewConnection, {
    description:
      'The published reviews of all products; with other statuses, for admins, those that wait or were rejected.',
  })
  async reviews(
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => ReviewFilter, { nullable: true, description: 'Which reviews.' })
    filter: ReviewFilter | null | undefined,
    @Arg('orderBy', () => ReviewOrder, {
      defaultValue: { field: ReviewOrderField.CREATED_AT, direction: OrderDirection.DESC },
      description: 'In which order: newest first where it is not given.',
    })
    { direction }: ReviewOrder,
    @Ctx() { reviews, viewer }: ReviewsContext,
  ) {
    const condition = reviewCondition(filter, viewer);
    const read = await reviews.list({
      condition,
      ascending: direction === OrderDirection.ASC,
      page: parsePageArguments(page, 'review'),
    });
    return new ReviewConnection(read, () => reviews.count(condition));
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description:
      "The length of the whole list; of a product's list the count of its rating, of the same version. Computed only when asked for.",
  })
  totalCount(@Root() { count }: ReviewConnection): Promise<number> {
    return count();
  }
}
