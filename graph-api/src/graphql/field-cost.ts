/** What an operation costs (docs/api.md, "Cost"), in plain fields of an answer. The others are estimates, by the work that they cause. */
export const FIELD_COST = 1;

/** A text of up to 10,000 characters: not fields, but such texts are what makes answers large. */
export const LONG_TEXT_COST = 50;

/** A list, or the length of one: a part of a statement of its own in PostgreSQL. */
export const LIST_COST = 50;

/** A mutation: a transaction that is on disk before it is answered. */
export const MUTATION_COST = 500;

/** `__schema` or `__type`, whatever is asked of it: graphql-js bounds how deep that goes. */
export const INTROSPECTION_COST = 1_000;

/** The size of a list that has no argument for it, such as `userErrors` or `distribution`. */
export const PLAIN_LIST_SIZE = 5;
