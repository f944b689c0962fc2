import { Ctx, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import { USER_ERRORS } from '../graphql/user-error.js';
import { Product } from '../products/product.js';
import type { ReviewsContext } from './context.js';
import type { ReviewResult } from './review-change.js';
import { Review } from './review.js';
import { ReviewUserError, toUserError } from './review-user-error.js';

/** The fields of the payloads of all mutations of reviews. */
@ObjectType()
export abstract class ReviewChangePayload {
  reviewId!: string | null;
  productId!: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "The sequence number of this change: what the product's rating will reach. Give it to `rating(minVersion:)` to read your own write.",
  })
  ratingVersion!: number | null;

  @Field(() => [ReviewUserError], USER_ERRORS)
  userErrors!: ReviewUserError[];

  @Field(() => Product, {
    nullable: true,
    description: 'The product, whose rating already shows the change; null where userErrors says why.',
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
    description: "The caller's review, whatever its status; null where userErrors says why.",
  })
  review(@Ctx() { reviews }: ReviewsContext): Promise<Review | null> | null {
    return this.reviewId === null ? null : reviews.ownById.load(this.reviewId);
  }
}

/** The payload of a mutation that changed nothing. */
export function emptyPayload<Payload extends ReviewChangePayload>(
  Payload: ClassType<Payload>,
  userErrors: ReviewUserError[],
): Payload {
  return Object.assign(new Payload(), { reviewId: null, productId: null, ratingVersion: null, userErrors });
}

/**
 * The payload of a command's result. What this request has read of the review and its product is replaced by what the
 * command answered, and the product's rating comes from PostgreSQL from now on.
 * @param idField the path of the id in the arguments, for a user error
 * @throws FORBIDDEN where the review is someone else's
 */
export function toPayload<Payload extends ReviewChangePayload>(
  Payload: ClassType<Payload>,
  result: ReviewResult,
  { products, ratings, reviews }: ReviewsContext,
  idField: string[],
): Payload {
  if (result.status !== 'DONE') {
    const payload = emptyPayload(Payload, [toUserError(result, idField)]);
    if (result.review === undefined) return payload;
    reviews.clearAll();
    reviews.ownById.prime(result.review.id, result.review);
    return Object.assign(payload, { reviewId: result.review.id });
  }
  const { review, author, ratingVersion, rated } = result;
  const { id: reviewId, productId } = review;
  products.clear(productId);
  reviews.clearAll();
  ratings.productChanged(productId, rated?.rating);
  if (rated !== null) products.byId.prime(productId, rated.product);
  if (author !== null) {
    reviews.authors.prime(author.id, author);
    reviews.ownById.prime(reviewId, review);
  }
  return Object.assign(new Payload(), { reviewId, productId, ratingVersion, userErrors: [] });
}
