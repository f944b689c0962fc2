import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { World } from './world.js';

const ROWS_PER_STATEMENT = 20_000;
const RATINGS_PER_WRITE = 500;

/** The id of the n-th product, the same in every run: a UUID from the hash of its number. */
const PRODUCT_ID = (number: string): string => `md5('product ' || ${number})::uuid`;

/** Inserts products number `from` to `to`, each a second older than the one before, so that number 1 is on page 1. */
export async function insertProducts({ pool }: World, from: number, to: number): Promise<void> {
  for (let first = from; first <= to; first += ROWS_PER_STATEMENT) {
    await pool.query(
      `INSERT INTO products (id, name, description, price_amount, price_currency, created_at)
       SELECT ${PRODUCT_ID('n')}, 'Product ' || n, 'What product ' || n || ' is made of, and what it is for.',
              10 + n % 90, 'EUR', '2026-01-01'::timestamptz - n * interval '1 second'
         FROM generate_series($1::integer, $2::integer) AS n`,
      [first, Math.min(first + ROWS_PER_STATEMENT - 1, to)],
    );
  }
}

/** The ids of products number `from` to `to`. */
export async function productIds({ pool }: World, from: number, to: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT ${PRODUCT_ID('n')} AS id FROM generate_series($1::integer, $2::integer) AS n ORDER BY n`,
    [from, to],
  );
  return rows.map(({ id }) => id);
}

/**
 * Inserts reviews without authors through the triggers, `count` of them over products number `from` to `to` in turn. Each
 * leaves an event in the outbox.
 */
export async function insertReviews(
  { pool }: World,
  count: number,
  { from, to }: { from: number; to: number },
  onProgress: (inserted: number) => void = () => undefined,
): Promise<void> {
  for (let inserted = 0; inserted < count; inserted += ROWS_PER_STATEMENT) {
    const rows = Math.min(ROWS_PER_STATEMENT, count - inserted);
    await pool.query(
      `INSERT INTO reviews (product_id, rating, body)
       SELECT ${PRODUCT_ID('$1::integer + n % $2::integer')}, 1 + (n * 7 + n / 11) % 5, 'Review number ' || n || '.'
         FROM generate_series($3::integer, $4::integer) AS n`,
      [from, to - from + 1, inserted, inserted + rows - 1],
    );
    onProgress(inserted + rows);
  }
}

/** Removes events that the scenario has no use for, and brings the tables into the state of an idle database. */
export async function discardEvents({ pool }: World): Promise<void> {
  await pool.query('DELETE FROM outbox');
  await pool.query('VACUUM ANALYZE');
}

/** Writes the ratings of these products into Redis, as the worker leaves them. */
export async function fillRatings({ pool, store }: World, ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += RATINGS_PER_WRITE) {
    await store.replace(await readRatingAggregates(pool, ids.slice(first, first + RATINGS_PER_WRITE)));
  }
}
