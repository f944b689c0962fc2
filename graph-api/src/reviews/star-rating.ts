import { ValidateWith } from '../graphql/input-validation.js';
import { UserErrorCode } from '../graphql/user-error.js';

export const MIN_STARS = 1;
export const MAX_STARS = 5;

/** A whole number from 1 to 5, which null is not. An absent field passes. */
export function IsStarRating(): PropertyDecorator {
  return ValidateWith((value) => {
    if (value === undefined) return null;
    if (value === null) return { code: UserErrorCode.INVALID, message: 'must not be null' };
    return (value as number) >= MIN_STARS && (value as number) <= MAX_STARS
      ? null
      : { code: UserErrorCode.OUT_OF_RANGE, message: `must be a whole number from ${MIN_STARS} to ${MAX_STARS}` };
  });
}
