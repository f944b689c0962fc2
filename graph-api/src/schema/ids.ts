import { v7 as uuidv7 } from 'uuid';
import { badUserInput } from './request-errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A new id: UUIDv7, so that the newest rows stand together in their index. */
export function newId(): string {
  return uuidv7();
}

/**
 * @param argument the path in the arguments, such as `input.productId`
 * @throws BAD_USER_INPUT where the id is not a UUID
 */
export function parseId(id: string, argument: string): string {
  if (!UUID.test(id)) throw badUserInput(`${argument} is not an id: a UUID is expected`, argument);
  return id.toLowerCase();
}
