import type { Author } from './author.js';
import { forbidden } from '../graphql/errors.js';
import { KEY_REUSED_ERROR, UserErrorCode, type UserError } from '../graphql/user-error.js';
import { ReviewStatus } from './review-status.js';
import type { Review } from './review.js';

/** Why a command changed nothing. */
export type ReviewRefusal =
  'NOT_FOUND' | 'ALREADY_REVIEWED' | 'FORBIDDEN' | 'VERSION_CONFLICT' | 'INVALID_TRANSITION' | 'KEY_REUSED';

/** A command that changed nothing. */
export type RefusedReview =
  | { readonly status: 'NOT_FOUND' | 'FORBIDDEN' | 'KEY_REUSED' }
  /** Null where that review was deleted since this was decided: see `create_reviews_once`. */
  | { readonly status: 'ALREADY_REVIEWED'; readonly review: Review | null; readonly author: Author | null }
  /** The review as it stands, for the caller to go on with. */
  | {
      readonly status: 'VERSION_CONFLICT' | 'INVALID_TRANSITION';
      readonly review: Review;
      readonly author: Author | null;
    };

/** The statuses that a moderator decides for. */
const DECIDED = [ReviewStatus.PUBLISHED, ReviewStatus.REJECTED];

/**
 * The user error of a refusal.
 * @param idField the path of the id that names the product or the review: `['input', 'productId']`
 * @throws FORBIDDEN, which is no user error: a form cannot correct it
 */
export function toUserError(refusal: RefusedReview, idField: string[]): UserError {
  switch (refusal.status) {
    case 'FORBIDDEN':
      throw forbidden('This is the review of someone else.');
    case 'NOT_FOUND':
      return {
        code: UserErrorCode.NOT_FOUND,
        message: `there is no ${idField.at(-1) === 'productId' ? 'product' : 'review'} with this id`,
        field: idField,
      };
    case 'ALREADY_REVIEWED':
      return {
        code: UserErrorCode.ALREADY_REVIEWED,
        message: 'you have reviewed this product: update that review',
        field: idField,
      };
    case 'KEY_REUSED':
      return KEY_REUSED_ERROR;
    case 'VERSION_CONFLICT':
      return {
        code: UserErrorCode.VERSION_CONFLICT,
        message: 'the review was changed since: look at it as it is now',
        field: ['input', 'expectedVersion'],
      };
    case 'INVALID_TRANSITION': {
      const { status } = refusal.review;
      return {
        code: UserErrorCode.INVALID_TRANSITION,
        message: `the review is ${status}: it can be ${DECIDED.filter((decided) => decided !== status).join(' or ')}`,
        field: ['input', 'status'],
      };
    }
  }
}
