import type { Stack } from '@exact-ratings/stack/stack.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { insertProduct, insertReview, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { startAppProcess, launchApp, type AppProcess } from '../testing/app-process.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';

let servers: Stack;
let database: TestDatabase;
let app: AppProcess;
let product: string;

beforeAll(async () => {
  servers = await startOwnServers('postgres');
  database = await createTestDatabase(servers.env);
  app = await startAppProcess(database.env);
  product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 4);
}, 60_000);
afterAll(async () => {
  servers?.postgres.resume();
  await app?.dispose();
  await database?.pool.end();
  await servers?.stop();
});

const read = (): Promise<Answer> => query(app.origin, `{ product(id: "${product}") { averageRating } }`);
const write = async (): Promise<Answer> =>
  query(
    app.origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { ratingVersion } }',
    { id: product },
    { token: await newUserToken() },
  );
const works = () =>
  eventually('it works again', async () => {
    const answers = [await read(), await write()];
    for (const answer of answers) if (answer.errors.length > 0) expectUnavailable(answer);
    return answers.every(({ errors }) => errors.length === 0) && (await app.statusOf('/ready')) === 200;
  });

function expectUnavailable(answer: Answer): void {
  expect([answer.status, Object.values(answer.data ?? { nothing: null })]).toEqual([503, [null]]);
  expect(answer.errors.map(({ extensions }) => extensions)).toEqual([
    { code: 'SERVICE_UNAVAILABLE', retryable: true, requestId: expect.any(String) },
  ]);
  expect(answer.text).not.toMatch(/ECONN|terminat|127\.0\.0\.1|postgres|shut/i);
}

test('down: a clear, retryable error for reads and writes, alive but not ready; back: it works again', async () => {
  await works();
  await servers.postgres.stop();
  for (const answer of [await read(), await write(), await read()]) expectUnavailable(answer);
  expect([await app.statusOf('/health'), await app.statusOf('/ready')]).toEqual([200, 503]);
  await servers.postgres.start();
  await works();
});

test('killed under load: every answer is the data or the retryable error, and every acknowledged review is there', async () => {
  const target = await insertProduct(database.pool);
  let acknowledged = 0;
  let running = true;
  const writers = Array.from({ length: 4 }, async () => {
    while (running) {
      const answer = await query(
        app.origin,
        'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 5 }) { ratingVersion } }',
        { id: target },
        { token: await newUserToken() },
      );
      if (answer.errors.length === 0) acknowledged += 1;
      else expectUnavailable(answer);
    }
  });
  await eventually('load', () => acknowledged > 20);
  await servers.postgres.kill();
  await servers.postgres.start();
  const before = acknowledged;
  await eventually('load again', () => acknowledged > before + 20);
  running = false;
  await Promise.all(writers);
  const { seq, stars } = (await snapshot(database.pool, target))!;
  // A commit whose answer was lost is there as well.
  expect(stars[4]).toBeGreaterThanOrEqual(acknowledged);
  expect(stars[4]).toBe(seq);
}, 60_000);

test('every backend terminated: at most one retryable error each, then it works', async () => {
  await Promise.all(Array.from({ length: 10 }, read));
  await database.pool.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await works();
});

test('frozen: a probe is answered in time; what was asked is answered when it goes on', async () => {
  await works();
  servers.postgres.pause();
  const asked = read();
  const began = performance.now();
  expect([await app.statusOf('/health'), await app.statusOf('/ready')]).toEqual([200, 503]);
  expect(performance.now() - began).toBeLessThan(6_000);
  servers.postgres.resume();
  expect(dataOf(await asked).product.averageRating).toBeGreaterThan(0);
  await works();
});

test('a database without the migrations: alive, not ready', async () => {
  await database.pool.query('CREATE DATABASE bare');
  const bare = await launchApp({ ...database.env, DATABASE_DB: 'bare' });
  try {
    await eventually('it has connected', () => bare.log().includes('npm run migrate'));
    expect([await bare.statusOf('/health'), await bare.statusOf('/ready')]).toEqual([200, 503]);
    const answer = await query(bare.origin, '{ products { nodes { id } } }');
    expect(answer.errors[0]!.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      requestId: expect.any(String),
    });
    expect(answer.text).not.toMatch(/relation|products_|SELECT/);
  } finally {
    await bare.dispose();
  }
});

test('the service starts while PostgreSQL is down, and is ready once it comes', async () => {
  await servers.postgres.stop();
  const late = await launchApp(database.env);
  try {
    await eventually('it lives', async () => (await late.statusOf('/health')) === 200);
    await eventually('it waits', () => late.log().includes('waiting for PostgreSQL'));
    expect(await late.statusOf('/ready')).toBe(503);
    await servers.postgres.start();
    await eventually('it is ready', async () => (await late.statusOf('/ready')) === 200, 20_000);
    dataOf(await query(late.origin, '{ products { nodes { id } } }'));
  } finally {
    await late.dispose();
  }
});
