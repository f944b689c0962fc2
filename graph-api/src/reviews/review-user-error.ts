import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { forbidden } from '../graphql/errors.js';
import { USER_ERROR_CODES, UserError } from '../graphql/user-error.js';
import type { RefusedReview } from './review-change.js';
import { ReviewStatus } from './review-status.js';

export enum ReviewUserErrorCode {
  BLANK = 'BLANK',
  TOO_LONG = 'TOO_LONG',
  OUT_OF_RANGE = 'OUT_OF_RANGE',
  INVALID = 'INVALID',
  NOT_FOUND = 'NOT_FOUND',
  ALREADY_REVIEWED = 'ALREADY_REVIEWED',
  VERSION_CONFLICT = 'VERSION_CONFLICT',
  INVALID_TRANSITION = 'INVALID_TRANSITION',
}

registerEnumType(ReviewUserErrorCode, {
  name: 'ReviewUserErrorCode',
  description: 'Why a review was not changed.',
  valuesConfig: {
    ...USER_ERROR_CODES,
    OUT_OF_RANGE: { description: 'A rating is not 1 to 5.' },
    NOT_FOUND: { description: 'There is no such product or review.' },
    ALREADY_REVIEWED: { description: 'The caller has reviewed this product: update that review.' },
    INVALID_TRANSITION: { description: 'The review has this status already, or it is none that is decided.' },
  },
});

@ObjectType({ implements: UserError, description: 'Why a review was not changed.', simpleResolvers: true })
export class ReviewUserError extends UserError {
  @Field(() => ReviewUserErrorCode, { description: 'For a program to read.' })
  code!: ReviewUserErrorCode;
}

/** The statuses that a moderator decides for. */
const DECIDED = [ReviewStatus.PUBLISHED, ReviewStatus.REJECTED];

/**
 * The user error of a refusal.
 * @param idField the path of the id that names the product or the review: `['input', 'productId']`
 * @throws FORBIDDEN, which is no user error: a form cannot correct it
 */
export function toUserError({ status, review }: RefusedReview, idField: string[]): ReviewUserError {
  switch (status) {
    case 'FORBIDDEN':
      throw forbidden('This is the review of someone else.');
    case 'NOT_FOUND':
      return {
        code: ReviewUserErrorCode.NOT_FOUND,
        message: `there is no ${idField.at(-1) === 'productId' ? 'product' : 'review'} with this id`,
        field: idField,
      };
    case 'ALREADY_REVIEWED':
      return {
        code: ReviewUserErrorCode.ALREADY_REVIEWED,
        message: 'you have reviewed this product: update that review',
        field: idField,
      };
    case 'VERSION_CONFLICT':
      return {
        code: ReviewUserErrorCode.VERSION_CONFLICT,
        message: 'the review was changed since: read it again',
        field: ['input', 'expectedVersion'],
      };
    case 'INVALID_TRANSITION':
      return {
        code: ReviewUserErrorCode.INVALID_TRANSITION,
        message: `the review is ${review!.status}: it can be ${DECIDED.filter((status) => status !== review!.status).join(' or ')}`,
        field: ['input', 'status'],
      };
  }
}
