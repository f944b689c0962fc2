import { Field, ObjectType, registerEnumType } from 'type-graphql';

export enum UserErrorCode {
  ALREADY_REVIEWED = 'ALREADY_REVIEWED',
  BLANK = 'BLANK',
  EXTERNAL_ID_TAKEN = 'EXTERNAL_ID_TAKEN',
  IDEMPOTENCY_KEY_REUSED = 'IDEMPOTENCY_KEY_REUSED',
  INVALID = 'INVALID',
  INVALID_TRANSITION = 'INVALID_TRANSITION',
  NOT_FOUND = 'NOT_FOUND',
  OUT_OF_RANGE = 'OUT_OF_RANGE',
  OWN_REVIEW = 'OWN_REVIEW',
  TOO_LONG = 'TOO_LONG',
  VERSION_CONFLICT = 'VERSION_CONFLICT',
}

registerEnumType(UserErrorCode, {
  name: 'UserErrorCode',
  description: 'Why a mutation changed nothing: one enum for all mutations, so that a form handles any of them alike.',
  valuesConfig: {
    ALREADY_REVIEWED: {
      description: 'The caller has reviewed this product: update that review, which the payload has.',
    },
    BLANK: { description: 'A text that must not be empty is empty, or holds white space only.' },
    EXTERNAL_ID_TAKEN: { description: 'Another product has this externalId.' },
    IDEMPOTENCY_KEY_REUSED: {
      description: 'The caller has used this idempotencyKey for another input or mutation: make a new one for each.',
    },
    INVALID: { description: 'A value breaks a rule that the message names.' },
    INVALID_TRANSITION: { description: 'The review has this status already, or it is none that is decided.' },
    NOT_FOUND: { description: 'There is nothing with the id that `field` names.' },
    OUT_OF_RANGE: { description: 'A number is outside of what is allowed, as a rating that is not 1 to 5.' },
    OWN_REVIEW: { description: "The review is the caller's own: others say whether it is helpful." },
    TOO_LONG: { description: 'A text has more characters than allowed.' },
    VERSION_CONFLICT: {
      description: 'It was changed since `expectedVersion`: look at what the payload has now, then decide.',
    },
  },
});

@ObjectType({ description: 'What the caller can correct.', simpleResolvers: true })
export class UserError {
  @Field(() => UserErrorCode, { description: 'For a program to read.' })
  code!: UserErrorCode;

  @Field(() => String, { description: 'For a person to read.' })
  message!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'The path in the arguments, as in `["input", "rating"]`; null where no field is to blame.',
  })
  field!: string[] | null;
}

/** The user error of a key that its caller has used for something else. */
export const KEY_REUSED_ERROR: UserError = {
  code: UserErrorCode.IDEMPOTENCY_KEY_REUSED,
  message: 'you have used this key for another input or another mutation: make a new key',
  field: ['idempotencyKey'],
};

/** The `userErrors` field of every payload. */
export const USER_ERRORS = { description: 'What the caller can correct; empty on success.' } as const;
