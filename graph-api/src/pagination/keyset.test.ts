import { keysetQuery } from './keyset.js';

const LIST = { kind: 'product', table: 'products', columns: 'id, created_at', condition: 'true' };
const position = { createdAt: '2026-01-01T00:00:00.000000Z', id: '01930000-0000-7000-8000-000000000000' };

test.each([
  [false, 'DESC'],
  [true, 'ASC'],
])('the order of a page (backward: %s) is asked for, not left to the plan', (backward, direction) => {
  const { statement } = keysetQuery(LIST, { size: 5, backward, after: position, before: null }, null);
  expect(statement.text.trimEnd().endsWith(`ORDER BY item.created_at ${direction}, item.id ${direction}`)).toBe(true);
});

test('statements that differ have names that differ, and values in the order of their parameters', () => {
  const names = new Set<string>();
  for (const backward of [false, true]) {
    for (const after of [null, position]) {
      for (const before of [null, position]) {
        const { statement, values } = keysetQuery(LIST, { size: 5, backward, after, before }, null);
        names.add(statement.name);
        const parameters = new Set(Array.from(statement.text.matchAll(/\$(\d+)/g), ([, n]) => Number(n)));
        expect(Math.max(...parameters)).toBe(values.length);
        expect(values[0]).toBe(6);
      }
    }
  }
  expect(names.size).toBe(8);
});

test('a list that every parent has takes the parents first', () => {
  const { values } = keysetQuery(LIST, { size: 5, backward: false, after: null, before: null }, ['a', 'b']);
  expect(values).toEqual([['a', 'b'], 6]);
});
