import 'reflect-metadata';
import type { Database, Statement } from '../database/database.js';
import { readList } from './list-request.js';
import { OrderDirection } from './order.js';

const SELECTION = { columns: ['id'], positions: false, bounds: false };
const PAGE = { size: 5, backward: false, after: null, before: null };

/** How the statement of a list with such a condition is read. */
async function readingOf(isIndexed: boolean): Promise<string[]> {
  const reads: string[] = [];
  const database = {
    rows: ({ name }: Statement) => Promise.resolve((reads.push(`short, named ${name !== undefined}`), [])),
    query: ({ name }: Statement) => Promise.resolve((reads.push(`any, named ${name !== undefined}`), { rows: [] })),
  };
  const list = {
    kind: 'thing',
    table: 'things',
    filter: '',
    order: { name: 'CREATED_AT', column: 'created_at', type: 'timestamptz' },
    direction: OrderDirection.DESC,
    condition: { text: 'true', values: [], isIndexed },
  } as const;
  await readList(database as unknown as Database, list, SELECTION, PAGE, null);
  return reads;
}

test('what an index has as it is listed is prepared, and goes with the short reads', async () => {
  expect(await readingOf(true)).toEqual(['short, named true']);
});

test('other filters hold up no short read, and are planned for their values', async () => {
  expect(await readingOf(false)).toEqual(['any, named false']);
});
