import { Ctx, Field, ObjectType, type ClassType } from 'type-graphql';
import { UserErrorCode, UserError, USER_ERRORS } from '../graphql/user-error.js';
import type { ReviewsContext } from './context.js';
import type { AnnotationRefusal, AnnotationResult } from './review-annotations.js';
import { Review } from './review.js';

/** The fields of the payloads of what others than its author add to a review. */
@ObjectType()
export abstract class AnnotationPayload {
  reviewId!: string | null;

  @Field(() => [UserError], USER_ERRORS)
  userErrors!: UserError[];

  @Field(() => Review, { nullable: true, description: 'The review as it is now; null where userErrors says why.' })
  review(@Ctx() { reviews }: ReviewsContext): Promise<Review | null> | null {
    return this.reviewId === null ? null : reviews.ownById.load(this.reviewId);
  }
}

/** The payload of a command that was not given. */
export function emptyAnnotation<Payload extends AnnotationPayload>(
  Payload: ClassType<Payload>,
  userErrors: UserError[],
): Payload {
  return Object.assign(new Payload(), { reviewId: null, userErrors });
}

/** The payload of a command's result. What this request has read of reviews is read anew. */
export function annotationPayload<Payload extends AnnotationPayload>(
  Payload: ClassType<Payload>,
  result: AnnotationResult,
  { reviews }: ReviewsContext,
): Payload {
  if (result.status !== 'DONE') return emptyAnnotation(Payload, [USER_ERROR_OF[result.status]]);
  const { review } = result;
  reviews.clearAll();
  reviews.ownById.prime(review.id, review);
  return Object.assign(new Payload(), { reviewId: review.id, userErrors: [] });
}

const USER_ERROR_OF: Readonly<Record<AnnotationRefusal, UserError>> = {
  NOT_FOUND: {
    code: UserErrorCode.NOT_FOUND,
    message: 'there is no review with this id, or it is not published',
    field: ['input', 'id'],
  },
  OWN_REVIEW: {
    code: UserErrorCode.OWN_REVIEW,
    message: 'this is your own review: others say whether it is helpful',
    field: ['input', 'id'],
  },
};
