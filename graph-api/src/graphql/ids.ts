import { isUuid } from '@exact-ratings/shared/events/uuid.js';
import { v7 as uuidv7 } from 'uuid';
import { badUserInput } from './errors.js';

/** A new id: UUIDv7, so that the newest rows stand together in their index. */
export function newId(): string {
  return uuidv7();
}

/**
 * The id in the form in which PostgreSQL writes it: lower case.
 * @param argument the path in the arguments, such as `input.productId`
 * @throws BAD_USER_INPUT where the id is not a UUID
 */
export function parseId(id: string, argument: string): string {
  const lowerCase = id.toLowerCase();
  if (!isUuid(lowerCase)) throw badUserInput(`${argument} is not an id: a UUID is expected`, argument);
  return lowerCase;
}
