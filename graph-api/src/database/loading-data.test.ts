import { readFileSync } from 'node:fs';
import { changes, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

const PAGE = readFileSync(new URL('../../../docs/loading-data.md', import.meta.url), 'utf8');
const [stage, refused, productsAndAuthors, reviews] = [...PAGE.matchAll(/^```sql\n(.*?)^```/gms)].map(
  ([, statements]) => statements!,
) as [string, string, string, string];

const PRODUCTS = `INSERT INTO old_products VALUES
  ('kettle', 'Kettle', 49.9, 'EUR', '2019-03-01'), ('lamp', 'Lamp', 20, 'EUR', '2020-01-01')`;
const REVIEWS = `INSERT INTO old_reviews VALUES
  ('r1', 'kettle', 'ada', 'Ada', 5, 'Fine', ' Boils. ', '2019-04-01'),
  ('r2', 'kettle', 'bob', '', 2, NULL, NULL, '2019-05-01'),
  ('r3', 'kettle', NULL, NULL, 4, '', NULL, '2018-01-01'),
  ('r4', 'kettle', 'ada', 'Ada L.', 1, NULL, 'No more.', '2021-06-01'),
  ('r5', 'lamp', 'ada', 'Ada L.', 3, NULL, NULL, '2021-07-01'),
  ('r6', 'sofa', 'bob', 'Bob', 3, NULL, NULL, '2021-07-01'),
  ('r7', 'lamp', 'bob', 'Bob', 6, NULL, NULL, '2021-07-01')`;

let database: TestDatabase;
beforeEach(async () => (database = await createTestDatabase()));
afterEach(() => database.drop());

async function loaded(): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `SELECT r.external_id AS id, p.external_id AS product, a.subject, a.display_name AS name, r.rating, r.title, r.body,
            to_char(r.created_at, 'YYYY-MM-DD') AS written
       FROM reviews r JOIN products p ON p.id = r.product_id LEFT JOIN authors a ON a.id = r.author_id ORDER BY 1`,
  );
  return rows;
}

test('the page brings old reviews along, with dates and authors; run again it changes nothing', async () => {
  const { pool } = database;
  await pool.query(stage);
  await pool.query(PRODUCTS);
  await pool.query(REVIEWS);
  expect((await pool.query(refused)).rows).toEqual([
    { id: 'r1', reason: 'the author has a newer review of the product' },
    { id: 'r6', reason: 'unknown product' },
    { id: 'r7', reason: 'rating out of range' },
  ]);
  await pool.query(productsAndAuthors);
  await pool.query(reviews);

  const expected = [
    ['r2', 'kettle', 'bob', 'Bob', 2, null, null, '2019-05-01'],
    ['r3', 'kettle', null, null, 4, null, null, '2018-01-01'],
    ['r4', 'kettle', 'ada', 'Ada L.', 1, null, 'No more.', '2021-06-01'],
    ['r5', 'lamp', 'ada', 'Ada L.', 3, null, null, '2021-07-01'],
  ].map(([id, product, subject, name, rating, title, body, written]) => ({
    ...{ id, product, subject, name, rating, title, body, written },
  }));
  expect(await loaded()).toEqual(expected);
  expect((await pool.query('SELECT FROM old_reviews')).rowCount).toBe(0);

  const { rows } = await pool.query(`SELECT id FROM products WHERE external_id = 'kettle'`);
  const kettle = (rows[0] as { id: string }).id;
  expect(await snapshot(pool, kettle)).toEqual({ seq: 3, stars: [1, 1, 0, 1, 0] });
  const events = changes(await outboxEvents(pool, kettle));
  expect(events.map(([seq]) => seq)).toEqual([1, 2, 3]);
  expect(events.map(([, type, , rating]) => `${String(type)} ${String(rating)}`).toSorted()).toEqual([
    'review-created 1',
    'review-created 2',
    'review-created 4',
  ]);

  await pool.query(stage);
  await pool.query(PRODUCTS.replace('INSERT', 'DELETE FROM old_products; INSERT'));
  await pool.query(REVIEWS);
  await pool.query(productsAndAuthors);
  await pool.query(reviews);
  expect(await loaded()).toEqual(expected);
  expect(await snapshot(pool, kettle)).toMatchObject({ seq: 3 });
});

test('many reviews go a thousand at a time, until none is left', async () => {
  const { pool } = database;
  await pool.query(stage);
  await pool.query(PRODUCTS);
  await pool.query(
    `INSERT INTO old_reviews SELECT 'r' || i, 'lamp', 's' || i, 'N', 1 + i % 5, NULL, NULL, '2020-01-01' FROM generate_series(1, 2500) i`,
  );
  await pool.query(productsAndAuthors);
  const counts: Array<number | null> = [];
  do counts.push((await pool.query(reviews)).rowCount);
  while (counts.at(-1) !== 0);
  expect(counts).toEqual([1000, 1000, 500, 0]);
  expect(await loaded()).toHaveLength(2500);
});
