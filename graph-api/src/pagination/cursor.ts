import { isUuid } from '@exact-ratings/shared/events/uuid.js';
import { badUserInput } from '../graphql/errors.js';
import { KEY_TYPES, type KeysetOrder, type OrderDirection } from './order.js';

/** A row's place in a list. */
export interface Position {
  /** The value of the order's column, as text. */
  readonly value: string;
  readonly id: string;
}

/** What a cursor is good for: one list, in one order, with one filter. */
export interface CursorScope {
  /** What the list holds, such as `product`. */
  readonly kind: string;
  readonly order: KeysetOrder;
  readonly direction: OrderDirection;
  /** Tells filters apart (`filterDigest`). */
  readonly filter: string;
}

/** The longest cursor: a name of 200 characters with 4 bytes each. */
const MAX_CURSOR_LENGTH = 1_500;
const CURSOR = /^(\S+) (\S+ \S+) (\S*) (\S+) (.*)$/s;

export function formatCursor({ kind, order, direction, filter }: CursorScope, { value, id }: Position): string {
  return Buffer.from(`${kind} ${order.name} ${direction} ${filter} ${id} ${value}`).toString('base64url');
}

/**
 * @param argument the argument that holds the cursor, for the message
 * @throws BAD_USER_INPUT for what is not a cursor of this list in this order with this filter
 */
export function parseCursor(argument: string, cursor: string, scope: CursorScope): Position {
  const text = cursor.length > MAX_CURSOR_LENGTH ? '' : Buffer.from(cursor, 'base64url').toString();
  const [, kind, order, filter, id, value] = CURSOR.exec(text) ?? [];
  // Decoding skips what is no base64url: only what a page returned is a cursor.
  if (value === undefined || !isUuid(id!) || Buffer.from(text).toString('base64url') !== cursor) {
    throw badUserInput(`${argument} is not a cursor: give back one that a page returned`, argument);
  }
  if (kind !== scope.kind) {
    throw badUserInput(`${argument} is a cursor of another list: this one pages through ${scope.kind}s`, argument);
  }
  const expected = `${scope.order.name} ${scope.direction}`;
  if (order !== expected) {
    throw badUserInput(
      `${argument} is a cursor of the order ${order}, and this list is in the order ${expected}: begin without a cursor`,
      argument,
    );
  }
  if (filter !== scope.filter) {
    throw badUserInput(
      `${argument} is a cursor of the list under another filter: give the filter of the page that returned it, or begin without a cursor`,
      argument,
    );
  }
  if (!KEY_TYPES[scope.order.type].isValue(value)) {
    throw badUserInput(`${argument} is not a cursor: give back one that a page returned`, argument);
  }
  return { value, id };
}
