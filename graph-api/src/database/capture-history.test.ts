import fc from 'fast-check';
import { changes, insertProduct, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const rating = fc.integer({ min: 1, max: 5 });
const status = fc.constantFrom('PUBLISHED', 'PUBLISHED', 'PENDING', 'REJECTED');
/** Which part of the product's reviews a statement touches, in tenths. */
const share = fc.integer({ min: 1, max: 10 });

/** One statement, or a few in one transaction that is committed or rolled back. */
const statement = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    ratings: fc.array(rating, { minLength: 1, maxLength: 4 }),
    status,
  }),
  fc.record({ kind: fc.constant('rate' as const), rating, share }),
  fc.record({ kind: fc.constant('moderate' as const), status, share }),
  fc.record({ kind: fc.constant('reword' as const), share }),
  fc.record({ kind: fc.constant('delete' as const), share: fc.integer({ min: 0, max: 5 }) }),
);
const step = fc.record({
  statements: fc.array(statement, { minLength: 1, maxLength: 3 }),
  commit: fc.nat(4).map((n) => n > 0),
});

type Statement = typeof statement extends fc.Arbitrary<infer T> ? T : never;

/** The statement as SQL; `share` picks the reviews by a hash of their ids. */
function toSql(one: Statement, productId: string): [string, unknown[]] {
  const some = `product_id = $1 AND abs(hashtext(id::text) % 10) < $2::integer`;
  switch (one.kind) {
    case 'insert':
      return [
        'INSERT INTO reviews (product_id, rating, status) SELECT $1, r, $3 FROM unnest($2::smallint[]) r',
        [productId, one.ratings, one.status],
      ];
    case 'rate':
      return [`UPDATE reviews SET rating = $3 WHERE ${some}`, [productId, one.share, one.rating]];
    case 'moderate':
      return [`UPDATE reviews SET status = $3 WHERE ${some}`, [productId, one.share, one.status]];
    case 'reword':
      return [`UPDATE reviews SET body = coalesce(body, '') || 'x' WHERE ${some}`, [productId, one.share]];
    case 'delete':
      return [`DELETE FROM reviews WHERE ${some}`, [productId, one.share]];
  }
}

test('folding the events of any history, previous → now, gives the view at every commit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (history) => {
      const product = await insertProduct(database.pool);
      const client = await database.pool.connect();
      const checkpoints: Array<{ seq: number; stars: number[] }> = [];
      try {
        for (const { statements, commit } of history) {
          await client.query('BEGIN');
          for (const one of statements) await client.query(...toSql(one, product));
          await client.query(commit ? 'COMMIT' : 'ROLLBACK');
          checkpoints.push((await snapshot(client, product))!);
        }
      } finally {
        client.release();
      }
      const events = await outboxEvents(database.pool, product);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
      const stars = [0, 0, 0, 0, 0];
      const prefixes = [[...stars]];
      for (const [, , previous, now] of changes(events) as Array<[number, string, number | null, number | null]>) {
        if (previous !== null) stars[previous - 1]! -= 1;
        if (now !== null) stars[now - 1]! += 1;
        prefixes.push([...stars]);
      }
      for (const { seq, stars: expected } of checkpoints) expect(prefixes[seq]).toEqual(expected);
      expect(checkpoints.at(-1)!.seq).toBe(events.length);
    }),
    { numRuns: 60 },
  );
});
