import { dataOf, query } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { startPostgresProxy, type WireProxy } from '../testing/wire-proxy.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

const COMMAND_TIMEOUT_MS = 50;
const READERS = 20;

let database: TestDatabase;
let postgres: WireProxy<string>;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  app = await startTestApp({
    ...database.env,
    DATABASE_PORT: String(postgres.port),
    REDIS_COMMAND_TIMEOUT_MS: String(COMMAND_TIMEOUT_MS),
  });
});
afterAll(async () => {
  await app?.stop();
  await postgres?.close();
  await database.drop();
});

test('while the process is blocked again and again, Redis goes on answering the readers', async () => {
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 5);
  const read = async (): Promise<number> =>
    dataOf(await query(app.origin, `{ product(id: "${product}") { reviewCount } }`)).product.reviewCount;
  const aggregatesRead = (): string[] => postgres.seen.filter((text) => text.includes('rating_aggregates'));
  await eventually('Redis is filled', async () => {
    postgres.clear();
    await read();
    return aggregatesRead().length === 0;
  });

  let isOver = false;
  const counts: number[] = [];
  const readers = Array.from({ length: READERS }, async () => {
    while (!isOver) counts.push(await read());
  });
  // The app lives in this process: blocking the loop blocks it, as the validation of a huge query would.
  for (let stall = 1; stall <= 10; stall += 1) {
    await eventually('the readers read', () => counts.length >= stall * READERS);
    const until = performance.now() + 3 * COMMAND_TIMEOUT_MS;
    while (performance.now() < until);
  }
  isOver = true;
  await Promise.all(readers);
  expect(counts.filter((count) => count !== 1)).toEqual([]);
  expect(aggregatesRead()).toEqual([]);
});
