import { dataOf, query } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

const COMMAND_TIMEOUT_MS = 50;
const READERS = 20;

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp({ ...database.env, REDIS_COMMAND_TIMEOUT_MS: String(COMMAND_TIMEOUT_MS) });
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

test('while the process is blocked again and again, Redis goes on answering the readers', async () => {
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 5);
  const read = async (): Promise<string> =>
    dataOf(await query(app.origin, `{ product(id: "${product}") { rating { source } } }`)).product.rating.source;
  await eventually('Redis is filled', async () => (await read()) === 'CACHE');

  let isOver = false;
  const sources: string[] = [];
  const readers = Array.from({ length: READERS }, async () => {
    while (!isOver) sources.push(await read());
  });
  // The app lives in this process: blocking the loop blocks it, as the validation of a huge query would.
  for (let stall = 1; stall <= 10; stall += 1) {
    await eventually('the readers read', () => sources.length >= stall * READERS);
    const until = performance.now() + 3 * COMMAND_TIMEOUT_MS;
    while (performance.now() < until);
  }
  isOver = true;
  await Promise.all(readers);
  expect(sources.filter((source) => source !== 'CACHE')).toEqual([]);
});
