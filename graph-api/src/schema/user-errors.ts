import { Field, InterfaceType, ObjectType, registerEnumType } from 'type-graphql';

export enum ProductUserErrorCode {
  BLANK = 'BLANK',
  TOO_LONG = 'TOO_LONG',
  INVALID = 'INVALID',
  NOT_FOUND = 'NOT_FOUND',
  EXTERNAL_ID_TAKEN = 'EXTERNAL_ID_TAKEN',
  VERSION_CONFLICT = 'VERSION_CONFLICT',
}

export enum ReviewUserErrorCode {
  BLANK = 'BLANK',
  TOO_LONG = 'TOO_LONG',
  OUT_OF_RANGE = 'OUT_OF_RANGE',
  INVALID = 'INVALID',
  NOT_FOUND = 'NOT_FOUND',
  ALREADY_REVIEWED = 'ALREADY_REVIEWED',
  VERSION_CONFLICT = 'VERSION_CONFLICT',
}

const BLANK = { description: 'A text that must not be empty is empty, or holds white space only.' };
const TOO_LONG = { description: 'A text has more characters than allowed.' };
const INVALID = { description: 'A value breaks a rule that the message names.' };
const VERSION_CONFLICT = { description: 'It was changed since `expectedVersion`: read it again, then decide.' };

registerEnumType(ProductUserErrorCode, {
  name: 'ProductUserErrorCode',
  description: 'Why a product was not changed.',
  valuesConfig: {
    BLANK,
    TOO_LONG,
    INVALID,
    NOT_FOUND: { description: 'There is no such product.' },
    EXTERNAL_ID_TAKEN: { description: 'Another product has this externalId.' },
    VERSION_CONFLICT,
  },
});

registerEnumType(ReviewUserErrorCode, {
  name: 'ReviewUserErrorCode',
  description: 'Why a review was not changed.',
  valuesConfig: {
    BLANK,
    TOO_LONG,
    OUT_OF_RANGE: { description: 'A rating is not 1 to 5.' },
    INVALID,
    NOT_FOUND: { description: 'There is no such product or review.' },
    ALREADY_REVIEWED: { description: 'The caller has reviewed this product: update that review.' },
    VERSION_CONFLICT,
  },
});

@InterfaceType({
  description: 'What the caller can mend.',
  resolveType: (value: object) => value.constructor.name,
})
export abstract class UserError {
  @Field(() => String, { description: 'For a person to read.' })
  message!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'The path in the arguments, as in `["input", "rating"]`; null where no field is to blame.',
  })
  field!: string[] | null;
}

@ObjectType({ implements: UserError, description: 'Why a product was not changed.', simpleResolvers: true })
export class ProductUserError extends UserError {
  @Field(() => ProductUserErrorCode, { description: 'For a program to read.' })
  code!: ProductUserErrorCode;
}

@ObjectType({ implements: UserError, description: 'Why a review was not changed.', simpleResolvers: true })
export class ReviewUserError extends UserError {
  @Field(() => ReviewUserErrorCode, { description: 'For a program to read.' })
  code!: ReviewUserErrorCode;
}
