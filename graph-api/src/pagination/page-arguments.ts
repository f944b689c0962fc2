import { ArgsType, Field, Int } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { parseCursor, type CursorScope, type Position } from './cursor.js';

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

/** The page that valid arguments ask for. */
export interface PageRequest {
  readonly size: number;
  /** From the end of the list: `last` was given. */
  readonly backward: boolean;
  readonly after: Position | null;
  readonly before: Position | null;
}

/**
 * @param scope the list that is paged through
 * @throws BAD_USER_INPUT for sizes out of range, first together with last, and what is not a cursor of this list
 */
export function parsePageArguments(page: PageArguments, scope: CursorScope): PageRequest {
  const first = page.first ?? null;
  const last = page.last ?? null;
  if (first !== null && last !== null) throw badUserInput('first and last exclude each other', 'last');
  checkSize('first', first);
  checkSize('last', last);
  return {
    size: first ?? last ?? DEFAULT_PAGE_SIZE,
    backward: last !== null,
    after: page.after == null ? null : parseCursor('after', page.after, scope),
    before: page.before == null ? null : parseCursor('before', page.before, scope),
  };
}

/** A text that two requests share exactly if they ask for the same page. */
export function pageKey(page: PageRequest): string {
  return JSON.stringify([page.size, page.backward, page.after, page.before]);
}

function checkSize(argument: string, size: number | null): void {
  if (size !== null && (size < 0 || size > MAX_PAGE_SIZE)) {
    throw badUserInput(`${argument} must be from 0 to ${MAX_PAGE_SIZE}`, argument);
  }
}
