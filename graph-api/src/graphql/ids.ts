import { isUuid } from '@exact-ratings/shared/events/uuid.js';
import { v7 as uuidv7 } from 'uuid';
import { badUserInput } from './errors.js';

/** A new id: UUIDv7, so that the newest rows stand together in their index. */
export function newId(): string {
  return uuidv7();
}

/** Most items of a list of ids that is looked up. */
const MAX_IDS = 100;

/**
 * Each id of a list, as `parse` has it.
 * @throws BAD_USER_INPUT where there are more than 100; what `parse` throws
 */
export function parseEach<T>(
  ids: readonly string[],
  argument: string,
  parse: (id: string, argument: string) => T,
): T[] {
  if (ids.length > MAX_IDS)
    throw badUserInput(`${argument} holds ${ids.length} ids: at most ${MAX_IDS} at once`, argument);
  return ids.map((id, i) => parse(id, `${argument}[${i}]`));
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
