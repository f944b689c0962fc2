import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type pg from 'pg';
import {
  violatedConstraint,
  isDatabaseUnavailable,
  leavesConnectionUsable,
  retryOnDeadlock,
} from './postgres-errors.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** What PostgreSQL itself throws for the statements. */
async function errorOf(...statements: string[]): Promise<unknown> {
  const client = await database.pool.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } catch (error) {
    return error;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
    client.release();
  }
  throw new Error('nothing was thrown');
}

test.each([
  ['a statement that takes too long', ['BEGIN', "SET LOCAL statement_timeout = '10ms'", 'SELECT pg_sleep(5)']],
  ['a standby', ['BEGIN READ ONLY', 'DELETE FROM reviews']],
  ['an administrator who shuts it down', ["DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P01'; END $$"]],
  ['too many connections', ["DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53300'; END $$"]],
])('%s: the caller may try again', async (_name, statements) => {
  expect(isDatabaseUnavailable(await errorOf(...statements))).toBe(true);
});

test.each([
  ['a wrong statement', ['SELECT nothing FROM nowhere']],
  ['a broken rule', ["INSERT INTO products (name, price_amount, price_currency) VALUES ('', 1, 'EUR')"]],
])('%s: trying again would not help', async (_name, statements) => {
  expect(isDatabaseUnavailable(await errorOf(...statements))).toBe(false);
});

test('an error of a statement leaves its connection usable, in whatever language PostgreSQL speaks', async () => {
  const refused = (await errorOf('SELECT nothing FROM nowhere')) as pg.DatabaseError;
  expect(leavesConnectionUsable(refused)).toBe(true);
  expect(leavesConnectionUsable(Object.assign(refused, { severity: 'FEHLER' }))).toBe(true);
  expect(leavesConnectionUsable(Object.assign(refused, { severity: 'FATAL', code: '57P01' }))).toBe(false);
  expect(leavesConnectionUsable(new Error('Query read timeout'))).toBe(false);
});

test('the broken constraint has its name', async () => {
  const broken = "INSERT INTO products (name, price_amount, price_currency) VALUES ('', 1, 'EUR')";
  expect(violatedConstraint(await errorOf(broken))).toBe('products_name_length');
});

test('the victim of a deadlock runs again, and both succeed', async () => {
  const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
  let locked = 0;
  const rename = async (order: string[]): Promise<void> => {
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query("SET LOCAL deadlock_timeout = '20ms'");
      for (const id of order) {
        await client.query(`UPDATE products SET name = name || '!' WHERE id = $1`, [id]);
        locked += 1;
        await eventually('both hold their first row', () => locked >= 2);
      }
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
  let attempts = 0;
  await Promise.all(
    [products, products.toReversed()].map((order) =>
      retryOnDeadlock(() => {
        attempts += 1;
        return rename(order);
      }),
    ),
  );
  expect(attempts).toBeGreaterThan(2);
  const { rows } = await database.pool.query('SELECT name FROM products WHERE id = ANY ($1)', [products]);
  expect(rows).toEqual([{ name: 'Lamp!!' }, { name: 'Lamp!!' }]);
});
