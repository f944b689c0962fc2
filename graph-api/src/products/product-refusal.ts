import { KEY_REUSED_ERROR, UserErrorCode, type UserError } from '../graphql/user-error.js';

/** Why a command changed nothing. */
export type ProductRefusal = 'NOT_FOUND' | 'EXTERNAL_ID_TAKEN' | 'VERSION_CONFLICT' | 'KEY_REUSED';

/** The user error of a refusal. */
export function toUserError(refusal: ProductRefusal): UserError {
  switch (refusal) {
    case 'NOT_FOUND':
      return { code: UserErrorCode.NOT_FOUND, message: 'there is no product with this id', field: ['input', 'id'] };
    case 'EXTERNAL_ID_TAKEN':
      return {
        code: UserErrorCode.EXTERNAL_ID_TAKEN,
        message: 'another product has this externalId',
        field: ['input', 'externalId'],
      };
    case 'KEY_REUSED':
      return KEY_REUSED_ERROR;
    case 'VERSION_CONFLICT':
      return {
        code: UserErrorCode.VERSION_CONFLICT,
        message: 'the product was changed since: look at it as it is now',
        field: ['input', 'expectedVersion'],
      };
  }
}
