import { readRatingAggregates, readStreamPositions } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { newId } from '../graphql/ids.js';
import { insertProduct, insertReview, outboxEvents } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

let database: TestDatabase;
let products: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  const { rows } = await database.pool.query(
    `INSERT INTO products (name, price_amount, price_currency)
     SELECT 'p' || n, 1, 'EUR' FROM generate_series(1, 1000) n RETURNING id`,
  );
  products = (rows as Array<{ id: string }>).map(({ id }) => id);
  await database.pool.query(
    `INSERT INTO reviews (product_id, rating, status)
     SELECT p.id, 1 + n % 5, CASE WHEN n % 10 = 0 THEN 'PENDING' ELSE 'PUBLISHED' END
       FROM products p, generate_series(1, 20) n`,
  );
  await database.pool.query('VACUUM ANALYZE reviews');
  await database.pool.query('ANALYZE review_streams, products');
});
afterAll(() => database.drop());

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Plan[];
}

/** Every node of the plan, as `type relation index condition`. */
async function planOf(columns: string, ids: readonly string[]): Promise<string[]> {
  const { rows } = await database.pool.query(
    `EXPLAIN (FORMAT JSON) SELECT ${columns} FROM rating_aggregates WHERE product_id = ANY ($1::uuid[])`,
    [ids],
  );
  const flatten = (plan: Plan): string[] => [
    [plan['Node Type'], plan['Relation Name'], plan['Index Name'], plan['Index Cond']].filter(Boolean).join(' '),
    ...(plan.Plans ?? []).flatMap(flatten),
  ];
  return flatten((rows as Array<{ 'QUERY PLAN': [{ Plan: Plan }] }>)[0]!['QUERY PLAN'][0].Plan);
}

test('the aggregate of a page reads only these products, and only the index of counted reviews', async () => {
  const plan = await planOf('*', products.slice(0, 20));
  expect(plan).toContain('Index Only Scan reviews reviews_counted_idx (product_id = p.id)');
  expect(plan.filter((node) => node.includes('Seq Scan'))).toEqual([]);
});

test('the aggregate vanishes where only the position is read', async () => {
  const plan = await planOf('product_id, last_seq, last_event_id', products.slice(0, 20));
  expect(plan.filter((node) => /reviews |Aggregate/.test(`${node} `) && !node.includes('sequences'))).toEqual([]);
});

test('only published reviews count; unknown products are absent', async () => {
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 5);
  await insertReview(database.pool, product, 5, { status: 'PENDING' });
  await insertReview(database.pool, product, 1, { status: 'REJECTED' });
  const unknown = newId();
  const eventTag = (await outboxEvents(database.pool, product)).at(-1)!.payload.eventId.slice(-8);
  expect(await readRatingAggregates(database.pool, [unknown, product])).toEqual([
    { productId: product, seq: 3, stars: [0, 0, 0, 0, 1], eventTag },
  ]);
  expect(await readStreamPositions(database.pool, [unknown, product])).toEqual(
    new Map([[product, { seq: 3, eventTag }]]),
  );
});

test('number and counts are one snapshot while others write', async () => {
  const product = await insertProduct(database.pool);
  let writing = true;
  const writers = Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 60; i += 1) await insertReview(database.pool, product, 3);
    }),
  ).finally(() => (writing = false));
  while (writing) {
    const [read] = await readRatingAggregates(database.pool, [product]);
    // Only insertions: as many reviews as changes.
    expect(read!.stars[2]).toBe(read!.seq);
  }
  await writers;
});

test('the stream of a hot product is updated in place (HOT), but for its first change after it was persisted', async () => {
  const product = await insertProduct(database.pool);
  const client = await database.pool.connect();
  try {
    const updates = async (): Promise<{ all: number; inPlace: number }> => {
      const { rows } = await client.query<{ all: number; inPlace: number }>(
        `SELECT pg_stat_force_next_flush(), pg_stat_get_tuples_updated(oid)::integer AS all,
                pg_stat_get_tuples_hot_updated(oid)::integer AS "inPlace"
           FROM pg_class WHERE relname = 'review_streams'`,
      );
      return rows[0]!;
    };
    await updates();
    const before = await updates();
    for (let i = 0; i < 200; i += 1) await insertReview(client, product, 3);
    await updates();
    const after = await updates();
    expect(after.all - before.all).toBe(200);
    expect(after.inPlace - before.inPlace).toBeGreaterThanOrEqual(195);
  } finally {
    client.release();
  }
});
