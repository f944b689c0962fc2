/**
 * What a text of up to 10,000 characters costs in the limit on an operation's cost, where an object costs 1. Such texts, not
 * objects, are what makes answers large.
 */
export const LONG_TEXT_COST = 25;
