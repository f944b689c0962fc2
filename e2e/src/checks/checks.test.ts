import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { formatDeviations, waitForSteadyState } from './steady-state.js';
import { checkHistories } from './history-check.js';
import type { History } from '../workload/history.js';
import { Load } from '../workload/load.js';
import { comparePersisted } from './persisted-comparison.js';
import { compareRatings } from './ratings-comparison.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';

/** Each test plants one deviation and expects the check to report it: a check that cannot fail proves nothing. */
let bed: Testbed;
let productIds: string[];
let history: History;

beforeAll(async () => {
  bed = await startTestbed({ name: 'e2e-checker', variables: { RECONCILER_ENABLED: 'false' } });
  productIds = await createProducts(bed, 4, 'Checked');
  const load = new Load(bed, { name: 'checked', productIds, authors: 4, deleteShare: 0, eraseShare: 0.1 }).start();
  await load.untilAnswered(60);
  await waitUntil(() => load.history.anonymized.length > 0, { timeoutMs: 60_000, intervalMs: 10 });
  history = await load.stop();
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  expect(await checkHistories(bed, [history])).toEqual([]);
}, 180_000);

afterAll(async () => {
  await bed?.close();
}, 90_000);

/** Runs `look` after a statement that no trigger captures, then restores the reviews. */
async function withUncaptured<T>(statement: string, look: () => Promise<T>): Promise<T> {
  const client = await bed.pool.connect();
  try {
    await client.query('CREATE TABLE IF NOT EXISTS e2e_kept AS TABLE reviews');
    await client.query('SET session_replication_role = replica');
    await client.query(statement);
    const found = await look();
    await client.query('DELETE FROM reviews');
    await client.query('INSERT INTO reviews TABLE e2e_kept');
    return found;
  } finally {
    await client.query('RESET session_replication_role');
    client.release();
  }
}

const aReview = '(SELECT id FROM reviews ORDER BY id LIMIT 1)';
const anOwnReview = '(SELECT id FROM reviews WHERE author_id IS NOT NULL ORDER BY id LIMIT 1)';
const anAnonymousReview = '(SELECT id FROM reviews WHERE author_id IS NULL ORDER BY id LIMIT 1)';

test.each([
  ['a review that is gone', `DELETE FROM reviews WHERE id = ${aReview}`],
  ['an edit that is gone', `UPDATE reviews SET body = 'older' WHERE id = ${aReview}`],
  ['a mutation that was done twice', `UPDATE reviews SET version = version + 1 WHERE id = ${aReview}`],
  ['a decision that is gone', `UPDATE reviews SET status = 'PENDING' WHERE id = ${aReview}`],
  ['a review that lost its author', `UPDATE reviews SET author_id = NULL WHERE id = ${anOwnReview}`],
  ['an anonymous review that is gone', `DELETE FROM reviews WHERE id = ${anAnonymousReview}`],
])('lost write: %s', async (_, statement) => {
  const violations = await withUncaptured(statement, () => checkHistories(bed, [history]));
  expect(violations).toHaveLength(1);
  expect(await checkHistories(bed, [history])).toEqual([]);
});

test('lost write: an anonymous review that got an author, who never wrote it', async () => {
  const statement = `
    WITH stranger AS (INSERT INTO authors (issuer, subject) VALUES ('', 'stranger') RETURNING id)
    UPDATE reviews SET author_id = stranger.id FROM stranger WHERE reviews.id = ${anAnonymousReview}`;
  const violations = await withUncaptured(statement, () => checkHistories(bed, [history]));
  expect(violations).toEqual([
    expect.stringMatching(/lost write: anonymous .* holds nothing/),
    expect.stringMatching(/lost write: stranger .* which nobody wrote/),
  ]);
});

test('lost write: a change that nobody acknowledged', async () => {
  await bed.pool.query('INSERT INTO reviews (product_id, rating) VALUES ($1, 1)', [productIds[3]]);
  expect(await checkHistories(bed, [history])).toEqual([expect.stringContaining('acknowledged changes')]);
});

test('persisted ratings: other counts, a missing row, and a day that ends otherwise', async () => {
  await waitUntil(async () => (await comparePersisted(bed)).dirty === 0, { timeoutMs: 60_000 });
  expect(await comparePersisted(bed)).toEqual({ dirty: 0, wrong: [] });
  const damages: ReadonlyArray<readonly [string, string]> = [
    [productIds[0]!, 'UPDATE product_ratings SET stars_2 = stars_2 + 1 WHERE product_id = $1'],
    [
      productIds[1]!,
      `WITH r AS (SELECT stars_5 + 1 AS n FROM product_ratings WHERE product_id = $1)
       UPDATE product_rating_days SET stars_5 = r.n FROM r WHERE product_id = $1`,
    ],
    [productIds[2]!, 'DELETE FROM product_ratings WHERE product_id = $1'],
  ];
  const days = await bed.pool.query<{ copy: string }>(
    'SELECT json_agg(d)::text AS copy FROM product_rating_days d WHERE product_id = $1',
    [productIds[1]],
  );
  for (const [id, damage] of damages) await bed.pool.query(damage, [id]);
  const { wrong } = await comparePersisted(bed);
  expect([...wrong].sort()).toEqual(damages.map(([id]) => id).sort());

  // A pass puts right what is not a day of the past.
  await bed.pool.query('DELETE FROM product_rating_days WHERE product_id = $1', [productIds[1]]);
  await bed.pool.query(
    'INSERT INTO product_rating_days SELECT * FROM json_populate_recordset(NULL::product_rating_days, $1::json)',
    [days.rows[0]!.copy],
  );
  await bed.pool.query('UPDATE review_streams SET dirty = true');
  await waitUntil(async () => (await comparePersisted(bed)).dirty === 0, { timeoutMs: 60_000 });
  expect(await comparePersisted(bed)).toEqual({ dirty: 0, wrong: [] });
}, 130_000);

test('exactness: other counts, a product behind, corrupt keys, and keys of a product that never was', async () => {
  await waitForSteadyState(bed);
  const [content, behind, corrupt] = productIds as [string, string, string];
  const keys = (id: string) =>
    [`product:${id}:rating`, `product:${id}:reviewCount`, `product:${id}:ratingState`] as const;
  const set = async (id: string, rating: string, count: string, state: string): Promise<void> => {
    const [ratingKey, countKey, stateKey] = keys(id);
    await bed.redis.mset({ [ratingKey]: rating, [countKey]: count, [stateKey]: state });
  };
  const [seq, ...words] = (await bed.redis.get(keys(content)[2]))!.split(' ');
  const never = '00000000-0000-4000-8000-000000000000';
  await set(content, '5', '9', `${seq} 0 0 0 0 9 ${words.at(-1)}`);
  await set(behind, '5', '1', '1 0 0 0 0 1 0a1b2c3d');
  await bed.redis.set(keys(corrupt)[0], '4.999');
  await set(never, '5', '1', '1 0 0 0 0 1 0a1b2c3d');
  const comparison = await compareRatings(bed);
  expect(comparison.behind.map(({ productId }) => productId)).toEqual([behind]);
  expect(comparison.different.map(({ productId }) => productId).sort()).toEqual([never, content, corrupt].sort());
});
