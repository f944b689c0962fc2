import type { Database } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import type { CursorScope } from './cursor.js';
import type { Condition } from './filter.js';
import { keysetQuery, type KeysetList, type KeysetSelection, type Parents } from './keyset.js';
import { pageKey, type PageRequest } from './page-arguments.js';

/** A page of a list that a caller asks for. */
export interface ListRequest extends CursorScope {
  readonly condition: Condition;
  readonly page: PageRequest;
}

/** A text that two requests share exactly if they ask for the same page of the same list. */
export function listKey({ kind, order, direction, filter, page }: ListRequest): string {
  return `${kind} ${order.name} ${direction} ${filter} ${pageKey(page)}`;
}

/**
 * Reads a page's rows in one statement. Where an index has the rows as they are listed, it is a short read, and prepared. The best plan for
 * other filters depends on their values, so PostgreSQL plans each anew, and none holds up short reads.
 * @param parents whose lists are read; null for a list without
 */
// The row type is named at the call, since a statement cannot know it.

export async function readList<Row>(
  database: Database,
  list: KeysetList,
  selection: KeysetSelection,
  page: PageRequest,
  parents: Parents | null,
): Promise<Row[]> {
  const { text, values } = keysetQuery(list, selection, page, parents);
  if (list.condition.isIndexed) return database.rows<Row>(preparedStatement(text), values);
  return (await database.query({ text, values })).rows as Row[];
}
