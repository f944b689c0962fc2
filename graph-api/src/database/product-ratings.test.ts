import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { averageRating, reviewCount, starCounts, weightedRating } from '@exact-ratings/shared/rating/rating-state.js';
import { insertProduct, insertProducts, insertReview, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';

const PRIOR = { mean: 3.7, weight: 7 };
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('DELETE FROM products');
});

const run = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.pool.query(text, values)).rows as Row[];

interface Persisted {
  readonly persisted: number;
  readonly moved: number;
}
const persist = async (ids: readonly string[], onlyDirty = true): Promise<Persisted> =>
  (
    await run<Persisted>('SELECT * FROM persist_product_ratings($1, $2, $3, $4)', [
      ids,
      PRIOR.mean,
      PRIOR.weight,
      onlyDirty,
    ])
  )[0]!;
const dirty = async (limit = 1_000, after = BEFORE_ALL): Promise<string[]> =>
  (await run<{ id: string }>('SELECT dirty_products($1, $2) AS id', [after, limit])).map(({ id }) => id);

interface Row {
  readonly product_id: string;
  readonly seq: number;
  readonly average: number;
  readonly weighted: number;
  readonly review_count: number;
  readonly stars: number[];
}
const rowsOf = (ids: readonly string[]): Promise<Row[]> =>
  run(
    'SELECT *, ARRAY[stars_1, stars_2, stars_3, stars_4, stars_5] AS stars FROM product_ratings WHERE product_id = ANY ($1)',
    [ids],
  );
const daysOf = async (id: string): Promise<Array<[string, number[]]>> =>
  (
    await run<{ day: string; stars: number[] }>(
      `SELECT day::text, ARRAY[stars_1, stars_2, stars_3, stars_4, stars_5] AS stars FROM product_rating_days
        WHERE product_id = $1 ORDER BY day`,
      [id],
    )
  ).map(({ day, stars }) => [day, stars]);
/** As if the rating had moved then, and not now. */
const movedAt = (id: string, at: string): Promise<unknown[]> =>
  run('UPDATE review_streams SET moved_at = $2 WHERE product_id = $1', [id, at]);

async function withoutTriggers(
  work: (query: (text: string, values?: unknown[]) => Promise<unknown>) => Promise<unknown>,
) {
  const client = await database.pool.connect();
  try {
    await client.query('SET session_replication_role = replica');
    await work((text, values) => client.query(text, values));
  } finally {
    client.release(true);
  }
}

test('a product has its row from the start, and persisting makes it equal to the aggregate, to the last bit', async () => {
  const ids = await insertProducts(database.pool, 60);
  expect(await rowsOf(ids)).toHaveLength(60);
  expect(await dirty()).toEqual([]);
  for (let n = 1; n <= 4; n += 1) await insertReviews(database.pool, ids.slice(n * 5), n * n);
  const changed = ids.slice(5);
  expect(await dirty()).toEqual([...changed].sort());

  expect(await persist(ids)).toEqual({ persisted: changed.length, moved: changed.length });
  const aggregates = new Map((await readRatingAggregates(database.pool, ids)).map((one) => [one.productId, one]));
  for (const row of await rowsOf(ids)) {
    const aggregate = aggregates.get(row.product_id)!;
    expect(row).toMatchObject({
      seq: aggregate.seq,
      stars: aggregate.stars,
      review_count: reviewCount(aggregate),
      average: averageRating(aggregate),
      weighted: weightedRating(aggregate, PRIOR),
    });
  }
  expect(await dirty()).toEqual([]);
  expect(await persist(ids)).toEqual({ persisted: 0, moved: 0 });
});

test('the weighted rating is the same double in PostgreSQL as in TypeScript', async () => {
  const cases = Array.from({ length: 2_000 }, () => ({
    stars: starCounts([1, 2, 3, 4, 5].map(() => Math.floor(Math.random() ** 3 * 5_000))),
    prior: { mean: 1 + Math.floor(Math.random() * 400) / 100, weight: Math.floor(Math.random() ** 2 * 1_000) },
  }));
  const counts = cases.map(({ stars }) => reviewCount({ stars }));
  const rows = await run<{ weighted: number }>(
    `SELECT weighted_rating(count, sum, mean, weight) AS weighted
       FROM unnest($1::bigint[], $2::bigint[], $3::float8[], $4::float8[]) WITH ORDINALITY AS c (count, sum, mean, weight, nth)
      ORDER BY nth`,
    [
      counts,
      cases.map(({ stars }) => stars.reduce((sum, n, i) => sum + (i + 1) * n, 0)),
      cases.map(({ prior }) => prior.mean),
      cases.map(({ prior }) => prior.weight),
    ],
  );
  expect(rows.map(({ weighted }) => weighted)).toEqual(
    cases.map(({ stars, prior }) => weightedRating({ stars }, prior)),
  );
});

test('what changes between the count and its commit stays dirty, and is counted by the next pass', async () => {
  const [id, other] = (await insertProducts(database.pool, 2)) as [string, string];
  await insertReview(database.pool, id, 5);
  await insertReview(database.pool, other, 5);
  // Whoever holds the row keeps the pass between its count and its write.
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM product_ratings WHERE product_id = $1 FOR UPDATE', [id]);
  const persisting = persist([id, other]);
  const waits = await waitUntil(
    async () =>
      (await run(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'persist_product_ratings'`))
        .length > 0,
    { timeoutMs: 10_000, intervalMs: 5 },
  );
  expect(waits).toBe(true);
  await insertReview(database.pool, id, 1);
  await holder.query('COMMIT');
  holder.release();

  expect(await persisting).toEqual({ persisted: 2, moved: 2 });
  expect((await rowsOf([id]))[0]!.stars).toEqual([0, 0, 0, 0, 1]);
  expect(await dirty()).toEqual([id]);
  await persist(await dirty());
  expect((await rowsOf([id]))[0]!.stars).toEqual([1, 0, 0, 0, 1]);
  expect(await dirty()).toEqual([]);
});

test('a stream that somebody writes is not waited for, and stays dirty', async () => {
  const id = await insertProduct(database.pool);
  await insertReview(database.pool, id, 4);
  const writer = await database.pool.connect();
  await writer.query('BEGIN');
  await writer.query('INSERT INTO reviews (product_id, rating) VALUES ($1, 1)', [id]);
  expect(await persist([id])).toEqual({ persisted: 1, moved: 1 });
  await writer.query('COMMIT');
  writer.release();
  expect((await rowsOf([id]))[0]!.stars).toEqual([0, 0, 0, 1, 0]);
  expect(await dirty()).toEqual([id]);
});

test('dirty products are found by their index, whatever the planner remembers of the table', async () => {
  const ids = await insertProducts(database.pool, 5_000);
  await insertReviews(database.pool, ids);
  await database.pool.query('VACUUM ANALYZE review_streams');
  await database.pool.query('UPDATE review_streams SET dirty = false');
  await database.pool.query('VACUUM review_streams');
  const last = [...ids].sort().at(-1)!;
  await insertReview(database.pool, last, 3);
  const client = await database.pool.connect();
  const readTuples = async (): Promise<number> => {
    const { rows } = await client.query<{ n: string }>(
      `SELECT pg_stat_get_xact_tuples_fetched('review_streams'::regclass)
              + pg_stat_get_xact_tuples_returned('review_streams'::regclass) AS n`,
    );
    return Number(rows[0]!.n);
  };
  try {
    await client.query('BEGIN');
    const before = await readTuples();
    const { rows } = await client.query('SELECT dirty_products($1, 200) AS id', [BEFORE_ALL]);
    expect(rows).toEqual([{ id: last }]);
    // The whole table are 5,000.
    expect((await readTuples()) - before).toBeLessThan(50);
  } finally {
    client.release(true);
  }
});

test('dirty products come in the order of their ids, so that a pass ends', async () => {
  const ids = (await insertProducts(database.pool, 5)).sort();
  await insertReviews(database.pool, ids);
  expect(await dirty(2)).toEqual(ids.slice(0, 2));
  expect(await dirty(2, ids[1])).toEqual(ids.slice(2, 4));
  expect(await dirty(2, ids[4])).toEqual([]);
});

describe('days', () => {
  test('a day has the state at its end; later days, texts and passes leave it as it is', async () => {
    const id = await insertProduct(database.pool);
    const review = await insertReview(database.pool, id, 5);
    await movedAt(id, '2026-03-01T10:00:00Z');
    await persist([id]);
    await insertReview(database.pool, id, 1);
    // Persisted only after midnight.
    await movedAt(id, '2026-03-01T23:59:59.999Z');
    await persist([id]);
    expect(await daysOf(id)).toEqual([['2026-03-01', [1, 0, 0, 0, 1]]]);

    await run(`UPDATE reviews SET body = 'Another text' WHERE id = $1`, [review]);
    await persist([id]);
    expect(await daysOf(id)).toEqual([['2026-03-01', [1, 0, 0, 0, 1]]]);
    expect((await rowsOf([id]))[0]!.seq).toBe(3);

    await run('DELETE FROM reviews WHERE id = $1', [review]);
    await movedAt(id, '2026-03-04T00:00:00Z');
    await persist([id]);
    await persist([id], false);
    expect(await daysOf(id)).toEqual([
      ['2026-03-01', [1, 0, 0, 0, 1]],
      ['2026-03-04', [1, 0, 0, 0, 0]],
    ]);
  });

  test('what moved there and back has no day', async () => {
    const id = await insertProduct(database.pool);
    const review = await insertReview(database.pool, id, 5);
    await run('DELETE FROM reviews WHERE id = $1', [review]);
    expect(await persist([id])).toEqual({ persisted: 1, moved: 0 });
    expect(await daysOf(id)).toEqual([]);
  });

  test('what no change explains is of the day on which it was found', async () => {
    const id = await insertProduct(database.pool);
    await insertReview(database.pool, id, 5);
    await movedAt(id, '2026-03-01T10:00:00Z');
    await persist([id]);
    await withoutTriggers((query) => query('INSERT INTO reviews (product_id, rating) VALUES ($1, 1)', [id]));
    await persist([id], false);
    const [{ today }] = (await run<{ today: string }>(`SELECT (now() AT TIME ZONE 'UTC')::date::text AS today`)) as [
      { today: string },
    ];
    expect(await daysOf(id)).toEqual([
      ['2026-03-01', [0, 0, 0, 0, 1]],
      [today, [1, 0, 0, 0, 1]],
    ]);
  });
});

test('a product that was loaded with triggers off gets its row, and follows from then on', async () => {
  const id = '0190a0a0-0000-7000-8000-000000000001';
  await withoutTriggers(async (query) => {
    await query(`INSERT INTO products (id, name, price_amount, price_currency) VALUES ($1, 'P', 1, 'EUR')`, [id]);
    await query('INSERT INTO reviews (product_id, rating) VALUES ($1, 2)', [id]);
  });
  expect(await run('SELECT * FROM persisted_ratings WHERE product_id = $1', [id])).toMatchObject([
    { seq: null, dirty: false, is_current: false },
  ]);
  await persist([id], false);
  expect(await rowsOf([id])).toMatchObject([{ seq: 0, stars: [0, 1, 0, 0, 0] }]);
  // What the reconciler does with a product that has no stream.
  await run('SELECT advance_review_sequence($1, 0)', [id]);
  expect(await dirty()).toEqual([id]);
  await insertReview(database.pool, id, 4);
  await persist(await dirty());
  expect(await rowsOf([id])).toMatchObject([{ seq: 1, stars: [0, 1, 0, 1, 0] }]);
});

test('deleted products are not persisted, and their rows go with them', async () => {
  const [id, marked] = (await insertProducts(database.pool, 2)) as [string, string];
  await insertReviews(database.pool, [id, marked], 2);
  await persist([id, marked]);
  await insertReviews(database.pool, [id, marked], 1);
  await run('DELETE FROM products WHERE id = $1', [id]);
  await run('UPDATE products SET deleted_at = now() WHERE id = $1', [marked]);
  expect(await dirty()).toEqual([]);
  expect(await persist([id, marked], false)).toEqual({ persisted: 0, moved: 0 });
  expect((await rowsOf([id, marked])).map(({ product_id }) => product_id)).toEqual([marked]);
  await run('SELECT remove_deleted_products(100)');
  expect(await rowsOf([id, marked])).toEqual([]);
  expect(await run('SELECT FROM product_rating_days')).toEqual([]);
});

test('an advance makes its product dirty, so that the row follows the sequence number', async () => {
  const id = await insertProduct(database.pool);
  await insertReview(database.pool, id, 4);
  await persist([id]);
  await run('SELECT advance_review_sequence($1, 1000)', [id]);
  expect(await persist(await dirty())).toEqual({ persisted: 1, moved: 0 });
  expect(await rowsOf([id])).toMatchObject([{ seq: 1_000, stars: [0, 0, 0, 1, 0] }]);
});

test('a row that is ahead of its stream, as after a fail-over that was put together by hand, is overwritten', async () => {
  const id = await insertProduct(database.pool);
  await insertReview(database.pool, id, 4);
  await run('UPDATE product_ratings SET seq = 700, stars_1 = 9 WHERE product_id = $1', [id]);
  expect(await run('SELECT is_current FROM persisted_ratings WHERE product_id = $1', [id])).toEqual([
    { is_current: false },
  ]);
  await persist([id], false);
  expect(await rowsOf([id])).toMatchObject([{ seq: 1, stars: [0, 0, 0, 1, 0] }]);
});

test('a changed prior is followed page by page, and only where it changes something', async () => {
  const ids = (await insertProducts(database.pool, 10)).sort();
  await insertReviews(database.pool, ids.slice(0, 8), 2);
  await persist(ids);
  const reweigh = async (after: string, mean: number) =>
    (await run<object>('SELECT * FROM reweigh_product_ratings($1, 4, $2, 7)', [after, mean]))[0];
  expect(await reweigh(BEFORE_ALL, PRIOR.mean)).toEqual({ last_id: ids[3], reweighed: 0 });
  expect(await reweigh(BEFORE_ALL, 2)).toEqual({ last_id: ids[3], reweighed: 4 });
  expect(await reweigh(ids[3]!, 2)).toEqual({ last_id: ids[7], reweighed: 4 });
  expect(await reweigh(ids[7]!, 2)).toEqual({ last_id: ids[9], reweighed: 0 });
  expect(await reweigh(ids[9]!, 2)).toEqual({ last_id: null, reweighed: 0 });
  for (const { stars, weighted } of await rowsOf(ids)) {
    expect(weighted).toBe(weightedRating({ stars: starCounts(stars) }, { mean: 2, weight: 7 }));
  }
});
