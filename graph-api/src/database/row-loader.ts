import DataLoader from 'dataloader';
import type { Database, Statement } from './database.js';

export interface RowLoaderOptions<Item> {
  /** The further parameters of the statement. */
  readonly values?: readonly unknown[];
  /** Called with the items before they are handed out, to read in one go what others add to them. */
  readonly itemsRead?: (items: readonly Item[]) => Promise<void> | undefined;
}

/**
 * A DataLoader of rows by a unique key: one statement for all keys that one tick asks for; null where there is no row.
 * @param statement makes the statement once it is needed: it has the keys as an array for its first parameter, and answers each
 *   row with its key as `requested_key`
 */
// The row type is named at the call, since `rows` cannot know it.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function createRowLoader<Row extends object, Item>(
  database: Database,
  statement: () => Statement,
  toItem: (row: Row) => Item,
  { values = [], itemsRead }: RowLoaderOptions<Item> = {},
): DataLoader<string, Item | null> {
  return new DataLoader(async (keys) => {
    const rows = await database.rows<Row & { readonly requested_key: string }>(statement(), [keys, ...values]);
    const items = new Map(rows.map((row) => [row.requested_key, toItem(row)]));
    await itemsRead?.([...items.values()]);
    return keys.map((key) => items.get(key) ?? null);
  });
}
