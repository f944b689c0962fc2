import { Ctx, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import { UserError, USER_ERRORS } from '../graphql/user-error.js';
import { Product } from '../products/product.js';
import type { ReviewsContext } from './context.js';
import type { RatedProduct, ReviewResult } from './review-change.js';
import { Review } from './review.js';
import { toUserError } from './review-refusal.js';

/** The fields of the payloads of all mutations of reviews. */
@ObjectType()
export abstract class ReviewChangePayload {
  reviewId!: string | null;
  productId!: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "What the product's rating holds once it has this change. The caller's own reads have it anyway; give it as `minRatingVersion` to read ratings that have it anywhere else.",
  })
  ratingVersion!: number | null;

  @Field(() => [UserError], USER_ERRORS)
  userErrors!: UserError[];

  @Field(() => Product, {
    nullable: true,
    description:
      'The product, whose rating already shows the change; null where userErrors says why, or where it was deleted before the mutation was repeated.',
  })
  product(@Ctx() { products }: ReviewsContext): Promise<Product | null> | null {
    return this.productId === null ? null : products.byId.load(this.productId);
  }
}

/** The fields of the payloads that answer the review. */
@ObjectType()
export abstract class ReviewPayload extends ReviewChangePayload {
  @Field(() => Review, {
    nullable: true,
    description:
      "The caller's review, whatever its status; null where userErrors says why, or where it was deleted before the mutation was repeated. With ALREADY_REVIEWED it is the one that stands, with VERSION_CONFLICT the one that there is now.",
  })
  review(@Ctx() { reviews }: ReviewsContext): Promise<Review | null> | null {
    return this.reviewId === null ? null : reviews.ownById.load(this.reviewId);
  }
}

/** The payload of a mutation that changed nothing. */
export function emptyPayload<Payload extends ReviewChangePayload>(
  Payload: ClassType<Payload>,
  userErrors: UserError[],
): Payload {
  return Object.assign(new Payload(), { reviewId: null, productId: null, ratingVersion: null, userErrors });
}

/**
 * The payload of a command's result. What this request has read of the review and its product is replaced by what the
 * command answered, and the product's rating has the change from now on.
 * @param idField the path of the id in the arguments, for a user error
 * @throws FORBIDDEN where the review is someone else's
 */
export function toPayload<Payload extends ReviewChangePayload>(
  Payload: ClassType<Payload>,
  result: ReviewResult,
  context: ReviewsContext,
  idField: string[],
): Payload {
  const { reviews } = context;
  const userErrors = result.status === 'DONE' || result.status === 'GONE' ? [] : [toUserError(result, idField)];
  if (result.status === 'GONE') {
    const { productId, ratingVersion, rated } = result;
    showProduct(productId, ratingVersion, rated, context);
    return Object.assign(emptyPayload(Payload, []), { productId, ratingVersion });
  }
  if (!('review' in result) || result.review === null) return emptyPayload(Payload, userErrors);
  const { review, author } = result;
  const { id: reviewId, productId } = review;
  reviews.clearAll();
  if (author !== null) {
    reviews.authors.prime(author.id, author);
    reviews.ownById.prime(reviewId, review);
  }
  if (result.status !== 'DONE') return Object.assign(emptyPayload(Payload, userErrors), { reviewId });
  const { ratingVersion, rated } = result;
  showProduct(productId, ratingVersion, rated, context);
  return Object.assign(new Payload(), { reviewId, productId, ratingVersion, userErrors });
}

/** From now on this request reads the product as the command answered it. */
function showProduct(
  productId: string,
  ratingVersion: number,
  rated: RatedProduct | null,
  { products, ratings }: ReviewsContext,
): void {
  products.clear(productId);
  ratings.written(productId, ratingVersion, rated?.rating);
  if (rated !== null) products.byId.prime(productId, rated.product);
}
