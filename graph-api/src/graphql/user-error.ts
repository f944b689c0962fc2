import { Field, InterfaceType } from 'type-graphql';

@InterfaceType({
  description: 'What the caller can correct.',
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

/** Descriptions of the codes that several subjects have. */
export const USER_ERROR_CODES = {
  BLANK: { description: 'A text that must not be empty is empty, or holds white space only.' },
  TOO_LONG: { description: 'A text has more characters than allowed.' },
  INVALID: { description: 'A value breaks a rule that the message names.' },
  VERSION_CONFLICT: { description: 'It was changed since `expectedVersion`: read it again, then decide.' },
} as const;

/** The `userErrors` field of every payload. */
export const USER_ERRORS = { description: 'What the caller can correct; empty on success.' } as const;
