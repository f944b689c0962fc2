import { ValidateWith } from '../graphql/input-validation.js';
import { UserErrorCode } from '../graphql/user-error.js';

/** A whole number from 1 to 5, which null is not. An absent field passes. */
export function IsStarRating(): PropertyDecorator {
  return ValidateWith((value) => {
    if (value === undefined) return null;
    if (value === null) return { code: UserErrorCode.INVALID, message: 'must not be null' };
    return (value as number) >= 1 && (value as number) <= 5
      ? null
      : { code: UserErrorCode.OUT_OF_RANGE, message: 'must be a whole number from 1 to 5' };
  });
}
