import type { PgQuery } from '../database/database.js';
import { ListCounts } from './list-counts.js';

const ALL = { text: 'true', values: [], isIndexed: true };

/** Counts that a test finishes by hand. */
function createCounts() {
  const reads: Array<{ resolve: (total: number) => void; reject: (error: Error) => void; query: PgQuery }> = [];
  const query = (query: PgQuery): Promise<{ rows: unknown[] }> =>
    new Promise((resolve, reject) => reads.push({ resolve: (total) => resolve({ rows: [{ total }] }), reject, query }));
  return { reads, counts: new ListCounts({ query }, 'things') };
}

test('who asks for the same while it is counted shares it; who asks afterwards has a new one', async () => {
  const { reads, counts } = createCounts();
  const first = [counts.count(ALL), counts.count({ ...ALL })];
  expect(reads).toHaveLength(1);
  reads[0]!.resolve(7);
  expect(await Promise.all(first)).toEqual([7, 7]);
  const second = counts.count(ALL);
  reads[1]!.resolve(8);
  expect(await second).toBe(8);
});

test('each condition has a count of its own, with its values', async () => {
  const { reads, counts } = createCounts();
  const found = ['a', 'b'].map((name) => counts.count({ text: 'name = $1', values: [name], isIndexed: false }));
  expect(reads.map(({ query }) => query.values)).toEqual([['a'], ['b']]);
  reads[1]!.resolve(2);
  reads[0]!.resolve(1);
  expect(await Promise.all(found)).toEqual([1, 2]);
});

test('after a write nobody joins the count that began before it', async () => {
  const { reads, counts } = createCounts();
  const before = counts.count(ALL);
  counts.invalidate();
  const after = [counts.count(ALL), counts.count(ALL)];
  expect(reads).toHaveLength(2);
  reads[0]!.resolve(7);
  expect(await before).toBe(7);
  after.push(counts.count(ALL));
  expect(reads).toHaveLength(2);
  reads[1]!.resolve(8);
  expect(await Promise.all(after)).toEqual([8, 8, 8]);
});

test('a failure reaches those who waited, and no one else', async () => {
  const { reads, counts } = createCounts();
  const failing = counts.count(ALL);
  reads[0]!.reject(new Error('PostgreSQL is away'));
  await expect(failing).rejects.toThrow('away');
  const next = counts.count(ALL);
  reads[1]!.resolve(7);
  expect(await next).toBe(7);
});
