import { isUuid } from '@exact-ratings/shared/events/uuid.js';
import { badUserInput } from '../graphql/errors.js';

/** A row's place in a list ordered by creation: microseconds kept, as text, which a JavaScript Date would drop. */
export interface Position {
  /** `YYYY-MM-DDTHH:MM:SS.ffffffZ` */
  readonly createdAt: string;
  readonly id: string;
}

const CURSOR = /^(\S+) (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z) (\S+)$/;

/** @param kind what the list holds, such as `product`: a cursor of one list is refused by another */
export function formatCursor(kind: string, { createdAt, id }: Position): string {
  return Buffer.from(`${kind} ${createdAt} ${id}`).toString('base64url');
}

/**
 * @param argument the argument that holds the cursor, for the message
 * @throws BAD_USER_INPUT for what is not a cursor of this list
 */
export function parseCursor(argument: string, cursor: string, kind: string): Position {
  const [, cursorKind, createdAt, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const isCursor = createdAt !== undefined && id !== undefined && isUuid(id) && isMoment(createdAt);
  // Decoding skips what is no base64url: only what a page returned is a cursor.
  if (!isCursor || formatCursor(cursorKind!, { createdAt, id }) !== cursor) {
    throw badUserInput(`${argument} is not a cursor: give back one that a page returned`, argument);
  }
  if (cursorKind !== kind) {
    throw badUserInput(`${argument} is a cursor of another list: this one pages through ${kind}s`, argument);
  }
  return { createdAt, id };
}

/** Whether PostgreSQL takes it; JavaScript alone accepts a 31st of February, and a year 0. */
function isMoment(createdAt: string): boolean {
  const moment = Date.parse(createdAt);
  if (Number.isNaN(moment) || createdAt.startsWith('0000')) return false;
  return new Date(moment).toISOString().slice(0, 19) === createdAt.slice(0, 19);
}
