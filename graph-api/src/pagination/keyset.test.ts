import { OrderDirection } from './order.js';
import { keysetPage, keysetQuery, type KeysetSelection } from './keyset.js';

const LIST = {
  kind: 'product',
  table: 'products',
  condition: { text: 'true', values: [], isIndexed: true },
  order: { name: 'CREATED_AT', column: 'created_at', type: 'timestamptz' },
  direction: OrderDirection.DESC,
  filter: '',
} as const;
const ALL: KeysetSelection = { columns: ['id', 'name'], positions: true, bounds: true };
const position = { value: '2026-01-01T00:00:00.000000Z', id: '01930000-0000-7000-8000-000000000000' };
const FIRST = { size: 5, backward: false, after: null, before: null };

test.each([
  [false, 'DESC'],
  [true, 'ASC'],
])('the order of a page (backward: %s) is asked for, not left to the plan', (backward, direction) => {
  const page = { size: 5, backward, after: position, before: null };
  const inner = `ORDER BY created_at ${direction}, id ${direction}\n       LIMIT $1::bigint`;
  expect(
    keysetQuery(LIST, { ...ALL, bounds: false }, page, null)
      .text.trimEnd()
      .endsWith(inner),
  ).toBe(true);
  const { text } = keysetQuery(LIST, ALL, page, null);
  expect(text).toContain(inner);
  expect(text.trimEnd().endsWith(`ORDER BY item.created_at ${direction}, item.id ${direction}`)).toBe(true);
});

test('pages that differ have texts that differ, and values in the order of their parameters', () => {
  const texts = new Set<string>();
  for (const backward of [false, true]) {
    for (const after of [null, position]) {
      for (const before of [null, position]) {
        const { text, values } = keysetQuery(LIST, ALL, { size: 5, backward, after, before }, null);
        texts.add(text);
        const parameters = new Set(Array.from(text.matchAll(/\$(\d+)/g), ([, n]) => Number(n)));
        expect(Math.max(...parameters)).toBe(values.length);
        expect(values[0]).toBe(6);
      }
    }
  }
  expect(texts.size).toBe(8);
});

test('a list that every parent has takes the parents first', () => {
  expect(keysetQuery(LIST, ALL, FIRST, { column: 'thing_id', ids: ['a', 'b'] }).values).toEqual([['a', 'b'], 6]);
});

test('no column, position, bound or row is read that the selection does not name', () => {
  const { text, values } = keysetQuery(LIST, { columns: ['id'], positions: false, bounds: false }, FIRST, null);
  expect(text.replace(/\s+/g, ' ').trim()).toBe(
    'SELECT id FROM products WHERE true ORDER BY created_at DESC, id DESC LIMIT $1::bigint',
  );
  expect(values).toEqual([5]);
});

test('a page without rows, and one whose only row is that of its bounds, are empty', () => {
  expect(keysetPage([], FIRST, LIST, (row) => row).nodes).toEqual([]);
  const bounds = [{ id: null, has_rows_before: true, has_rows_after: false }];
  const { nodes, pageInfo } = keysetPage(bounds, FIRST, LIST, (row) => row);
  expect(nodes).toEqual([]);
  expect(pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false, startCursor: null, endCursor: null });
});
