import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { USER_ERROR_CODES, UserError } from '../graphql/user-error.js';
import type { ProductRefusal } from './product-commands.js';

export enum ProductUserErrorCode {
  BLANK = 'BLANK',
  TOO_LONG = 'TOO_LONG',
  INVALID = 'INVALID',
  NOT_FOUND = 'NOT_FOUND',
  EXTERNAL_ID_TAKEN = 'EXTERNAL_ID_TAKEN',
  VERSION_CONFLICT = 'VERSION_CONFLICT',
}

registerEnumType(ProductUserErrorCode, {
  name: 'ProductUserErrorCode',
  description: 'Why a product was not changed.',
  valuesConfig: {
    ...USER_ERROR_CODES,
    NOT_FOUND: { description: 'There is no such product.' },
    EXTERNAL_ID_TAKEN: { description: 'Another product has this externalId.' },
  },
});

@ObjectType({ implements: UserError, description: 'Why a product was not changed.', simpleResolvers: true })
export class ProductUserError extends UserError {
  @Field(() => ProductUserErrorCode, { description: 'For a program to read.' })
  code!: ProductUserErrorCode;
}

/** The user error of a refusal. */
export function toUserError(refusal: ProductRefusal): ProductUserError {
  switch (refusal) {
    case 'NOT_FOUND':
      return {
        code: ProductUserErrorCode.NOT_FOUND,
        message: 'there is no product with this id',
        field: ['input', 'id'],
      };
    case 'EXTERNAL_ID_TAKEN':
      return {
        code: ProductUserErrorCode.EXTERNAL_ID_TAKEN,
        message: 'another product has this externalId',
        field: ['input', 'externalId'],
      };
    case 'VERSION_CONFLICT':
      return {
        code: ProductUserErrorCode.VERSION_CONFLICT,
        message: 'the product was changed since: read it again',
        field: ['input', 'expectedVersion'],
      };
  }
}
