import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { launchApp, startAppProcess, type AppProcess } from './testing/app-process.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { dataOf, query } from './testing/graphql.js';
import { insertProduct, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken, TEST_SECRET } from '@exact-ratings/stack/testing/tokens.js';

let database: TestDatabase;
let apps: AppProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  await Promise.all(apps.map((app) => app.dispose()));
  apps = [];
});

async function tracked(launching: Promise<AppProcess>): Promise<AppProcess> {
  const app = await launching;
  apps.push(app);
  return app;
}

test('SIGTERM while mutations are in flight: all are answered, then it ends with exit code 0', async () => {
  // So many that each of the eight writers has a connection to wait on.
  const app = await tracked(startAppProcess({ ...database.env, DATABASE_POOL_SIZE: '20' }));
  const product = await insertProduct(database.pool);
  const tokens = await Promise.all(Array.from({ length: 8 }, () => newUserToken()));
  // Seven change their review, each in a statement of its own; the eighth creates one.
  const writes = await Promise.all(
    tokens.map(async (token, i) => {
      const create =
        'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id } ratingVersion } }';
      const creation = () => query(app.origin, create, { id: product }, { token });
      if (i === 7) return async () => dataOf(await creation()).createReview.ratingVersion as number;
      const { id } = dataOf(await creation()).createReview.review;
      const update = 'mutation ($id: ID!) { updateReview(input: { id: $id, rating: 5 }) { ratingVersion } }';
      return async () =>
        dataOf(await query(app.origin, update, { id }, { token })).updateReview.ratingVersion as number;
    }),
  );

  // Whoever holds the product's number makes every review of it wait.
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [product]);
  const answers = writes.map((write) => write());
  const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query NOT LIKE '%remove_deleted_products%' AND datname = current_database()`;
  await eventually('all wait', async () => (await database.pool.query(waiting)).rowCount === tokens.length);
  const stopped = app.process.stop();
  await eventually('it takes no new connections', async () => (await app.statusOf('/health')) === 0);
  expect(app.process.isRunning).toBe(true);
  await holder.query('COMMIT');
  holder.release();

  const versions = await Promise.all(answers);
  expect(versions.sort((a, b) => a - b)).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  expect(await stopped).toEqual({ code: 0, signal: null });
  expect(await snapshot(database.pool, product)).toEqual({ seq: 15, stars: [0, 0, 0, 1, 7] });
  // Kafka never took them: they wait for the next relay.
  expect(await outboxEvents(database.pool, product)).toHaveLength(15);
  expect(app.log()).not.toMatch(/"level":"(error|fatal)"/);
});

test('Ctrl-C on `npm start -w graph-api`, which reaches it twice: what is in flight is answered, exit code 0', async () => {
  const port = String(await findFreePort());
  const npm = spawn('npm', ['start', '-w', 'graph-api'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    // A process group of its own, as a terminal makes one.
    detached: true,
    env: {
      ...{ PATH: process.env['PATH'], HOME: process.env['HOME'] },
      ...{ ...database.env, JWT_SECRET: TEST_SECRET, KAFKA_BROKER: '127.0.0.1:1', PRODUCT_SERVICE_PORT: port },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  npm.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await eventually('it serves', () => log.includes('"serving"'), 25_000);
  const product = await insertProduct(database.pool);
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [product]);
  const answer = query(
    `http://127.0.0.1:${port}`,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { ratingVersion } }',
    { id: product },
    { token: await newUserToken() },
  );
  const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query NOT LIKE '%remove_deleted_products%' AND datname = current_database()`;
  await eventually('it waits', async () => (await database.pool.query(waiting)).rowCount === 1);
  const exit = once(npm, 'exit');
  process.kill(-npm.pid!, 'SIGINT');
  await eventually('it stops', () => log.includes('"stopping"'));
  await holder.query('COMMIT');
  holder.release();
  expect(dataOf(await answer).createReview.ratingVersion).toBe(1);
  expect([(await exit)[0], log.includes('stopping at once')]).toEqual([0, false]);
});

test('asked to stop, it is not ready at first and refuses nothing; after its drain time it ends with exit code 0', async () => {
  const app = await tracked(startAppProcess({ ...database.env, SHUTDOWN_DRAIN_MS: '4000' }));
  const stopped = app.process.stop();
  await eventually('it is not ready', async () => (await app.statusOf('/ready')) === 503);
  for (let i = 0; i < 10; i += 1) {
    const response = await fetch(`${app.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ products(first: 1) { nodes { id } } }"}',
    });
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
    expect(await response.json()).toEqual({ data: { products: { nodes: expect.any(Array) } } });
  }
  expect(await (await fetch(`${app.origin}/ready`)).json()).toEqual({
    ready: false,
    parts: { postgres: true, running: false },
  });
  expect(await stopped).toEqual({ code: 0, signal: null });
});

test('it lives while nothing else does, is not ready, answers that it is starting, and ends when asked to', async () => {
  const app = await tracked(
    launchApp({ DATABASE_PORT: '1', REDIS_PORT: '1', DATABASE_PASSWORD: 'secret-password-of-the-test' }),
  );
  await eventually('it lives', async () => (await app.statusOf('/health')) === 200, 20_000);
  expect(await app.statusOf('/ready')).toBe(503);
  const answer = await query(app.origin, '{ products { nodes { id } } }');
  expect([answer.status, answer.errors[0]!.extensions]).toEqual([
    503,
    { code: 'SERVICE_UNAVAILABLE', retryable: true, requestId: expect.any(String) },
  ]);
  await eventually('it says what it waits for', () => app.log().includes('waiting for PostgreSQL'));
  expect(await app.process.stop()).toEqual({ code: 0, signal: null });
  expect(app.log()).not.toContain('secret-password-of-the-test');
});

test('a port that is taken is named, and ends it with exit code 1', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const app = await tracked(launchApp({ ...database.env, PRODUCT_SERVICE_PORT: String(port) }));
  expect(await app.process.exited).toEqual({ code: 1, signal: null });
  expect(app.log()).toContain(`port ${port} on 127.0.0.1 is taken`);
  await new Promise((resolve) => other.close(resolve));
});

test('a wrong configuration is explained in lines for a person, and ends it with exit code 78', async () => {
  const app = await tracked(launchApp({ JWT_SECRET: 'short', DATABASE_PORT: 'x', NODE_ENV: 'production' }));
  expect(await app.process.exited).toEqual({ code: 78, signal: null });
  const text = app.log();
  for (const name of ['JWT_SECRET', 'DATABASE_PORT', 'JWT_ISSUER', 'JWT_AUDIENCE', 'DATABASE_PASSWORD']) {
    expect(text).toContain(`  - ${name}`);
  }
  expect(text).not.toMatch(/at .*\.js|"level"/);
});
