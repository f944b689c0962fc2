import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type pg from 'pg';
import { createDatabasePool } from '../connections.js';
import { createMetrics } from '../metrics.js';
import { createUncountableProducts, type UncountableProducts } from '../testing/uncountable-products.js';
import { AggregateReader } from './aggregate-reader.js';
import { isStatementTooLarge } from './database-failure.js';
import { SetAsideProducts } from './set-aside-products.js';

/** Long for a statement that counts some products, short for the test. */
const STATEMENT_TIMEOUT_MS = 500;

let database: TestDatabase;
let pool: pg.Pool;
let uncountable: UncountableProducts;
let products: string[];
/** The products of each statement that was sent. */
let statements: string[][];
let setAside: SetAsideProducts;
let reader: AggregateReader;

beforeAll(async () => {
  database = await createTestDatabase();
  uncountable = await createUncountableProducts(database.pool);
  const logger = createLogger('test', 'silent');
  pool = createDatabasePool(database.config, { size: 4, statementTimeoutMs: STATEMENT_TIMEOUT_MS }, logger);
  products = await insertProducts(database.pool, 64);
  await insertReviews(database.pool, products, 2);
}, 180_000);
beforeEach(() => {
  statements = [];
  createReader(60_000);
});
afterEach(() => uncountable.clear());
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

function createReader(firstDelayMs: number): void {
  const { setAside: gauge } = createMetrics();
  setAside = new SetAsideProducts(firstDelayMs / 2, gauge, createLogger('test', 'silent'));
  const recorded: Pick<pg.Pool, 'query'> = {
    query: ((statement: { values: [string[]] }) => {
      statements.push(statement.values[0]);
      return pool.query(statement as never);
    }) as never,
  };
  reader = new AggregateReader(recorded, setAside);
}

async function read(ids: readonly string[]): Promise<{ read: string[]; setAside: string[] }> {
  const result = { read: [] as string[], setAside: [] as string[] };
  for await (const part of reader.read(ids)) {
    result.read.push(...part.aggregates.map(({ productId }) => productId));
    result.setAside.push(...part.setAside);
  }
  return result;
}

test('what fits is one statement', async () => {
  expect((await read(products)).read.toSorted()).toEqual(products.toSorted());
  expect(statements).toHaveLength(1);
});

test('a statement that is timed out is halved until only the product that does not fit is set aside', async () => {
  const large = products[37]!;
  await uncountable.setSlow([large]);
  const result = await read(products);
  expect(result.setAside).toEqual([large]);
  expect(result.read.toSorted()).toEqual(products.filter((id) => id !== large).toSorted());
  // log2(64) = 6 halvings of two statements each, and the first.
  expect(statements).toHaveLength(13);

  // Known now: one statement for the others, none for this one until it is due.
  statements = [];
  expect((await read(products)).setAside).toEqual([large]);
  expect(statements.map((ids) => ids.length)).toEqual([63]);
});

test('products whose rows PostgreSQL cannot read are set aside as well', async () => {
  await uncountable.setUnreadable([products[0]!, products[63]!]);
  const result = await read(products);
  expect(result.setAside.toSorted()).toEqual([products[0]!, products[63]!].toSorted());
  expect(result.read).toHaveLength(62);
});

test('a product that is due is tried alone, and is forgotten once it is counted', async () => {
  createReader(0);
  const [large, other] = products as [string, string];
  await uncountable.setSlow([large]);
  await read([large]);
  statements = [];
  expect(await read([large, other])).toEqual({ read: [other], setAside: [large] });
  expect(statements).toEqual([[other], [large]]);
  await uncountable.clear();
  expect(await read([large, other])).toEqual({ read: [other, large], setAside: [] });
  statements = [];
  await read([large, other]);
  expect(statements).toEqual([[large, other]]);
});

test('only one product that is due is tried at a time', async () => {
  createReader(0);
  const large = products.slice(0, 3);
  await uncountable.setSlow(large);
  await read(large);
  statements = [];
  await Promise.all(large.map((id) => read([id])));
  expect(statements.filter((ids) => ids.length > 0)).toHaveLength(1);
});

test('for callers who cannot wait there is one statement, which leaves out what is set aside', async () => {
  const [large, other] = products as [string, string];
  await uncountable.setSlow([large]);
  const error = await reader.readAtOnce([large, other]).catch((caught: unknown) => caught);
  expect(isStatementTooLarge(error)).toBe(true);
  expect(statements).toHaveLength(1);
  await read([large]);
  statements = [];
  expect(await reader.readAtOnce([large, other])).toMatchObject({
    aggregates: [{ productId: other }],
    setAside: [large],
  });
  expect(statements).toEqual([[other]]);
});
