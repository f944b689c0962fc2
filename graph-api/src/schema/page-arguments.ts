import { ArgsType, Field, Int } from 'type-graphql';
import { badUserInput } from './request-errors.js';

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;

@ArgsType()
export class PageArguments {
  @Field(() => Int, {
    nullable: true,
    description: 'How many from the start: 0 to 100; 20 where neither first nor last is given.',
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what follows this cursor.' })
  after?: string | null;

  @Field(() => Int, { nullable: true, description: 'How many from the end: 0 to 100. Not together with first.' })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what precedes this cursor.' })
  before?: string | null;
}

/** A row's place in a list ordered by creation: microseconds kept, as text, which a JavaScript Date would drop. */
export interface Position {
  /** `YYYY-MM-DDTHH:MM:SS.ffffffZ` */
  readonly createdAt: string;
  readonly id: string;
}

export interface PageRequest {
  readonly size: number;
  /** From the end of the list: `last` was given. */
  readonly backward: boolean;
  readonly after: Position | null;
  readonly before: Position | null;
}

/** The lists that have cursors; a cursor of one is refused by the other. */
export type CursorKind = 'product' | 'review';

const CURSOR =
  /^(product|review) (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export function formatCursor(kind: CursorKind, { createdAt, id }: Position): string {
  return Buffer.from(`${kind} ${createdAt} ${id}`).toString('base64url');
}

/** @throws BAD_USER_INPUT for sizes out of range, first together with last, and what is not a cursor of this list. */
export function parsePageArguments(page: PageArguments, kind: CursorKind): PageRequest {
  const first = page.first ?? null;
  const last = page.last ?? null;
  if (first !== null && last !== null) throw badUserInput('first and last exclude each other', 'last');
  checkSize('first', first);
  checkSize('last', last);
  return {
    size: first ?? last ?? DEFAULT_PAGE_SIZE,
    backward: last !== null,
    after: parseCursor('after', page.after ?? null, kind),
    before: parseCursor('before', page.before ?? null, kind),
  };
}

function checkSize(argument: string, size: number | null): void {
  if (size !== null && (size < 0 || size > MAX_PAGE_SIZE)) {
    throw badUserInput(`${argument} must be from 0 to ${MAX_PAGE_SIZE}`, argument);
  }
}

function parseCursor(argument: string, cursor: string | null, kind: CursorKind): Position | null {
  if (cursor === null) return null;
  const [, cursorKind, createdAt, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const isCursor = createdAt !== undefined && id !== undefined && isMoment(createdAt);
  // Decoding skips what is no base64url: only what a page returned is a cursor.
  if (!isCursor || formatCursor(cursorKind as CursorKind, { createdAt, id }) !== cursor) {
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
