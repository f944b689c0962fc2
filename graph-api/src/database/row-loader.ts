import DataLoader from 'dataloader';
import type { Database, Statement } from './database.js';

/**
 * A DataLoader of rows by their `id`: one statement for all ids that one tick asks for; null where there is no row.
 * @param statement has one parameter, the ids as `uuid[]`
 */
// The row type is named at the call, since `rows` cannot know it.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function createRowLoader<Row extends { readonly id: string }, Item>(
  database: Database,
  statement: Statement,
  toItem: (row: Row) => Item,
): DataLoader<string, Item | null> {
  return new DataLoader(async (ids) => {
    const rows = await database.rows<Row>(statement, [ids]);
    const items = new Map(rows.map((row) => [row.id, toItem(row)]));
    return ids.map((id) => items.get(id) ?? null);
  });
}
