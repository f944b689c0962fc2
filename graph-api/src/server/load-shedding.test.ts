import { connect } from 'node:net';
import { newId } from '../graphql/ids.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

let database: TestDatabase;
let app: TestApp;

const PRODUCTS = 100;
const DESCRIPTION = 'a long text '.repeat(800);
const DESCRIPTIONS = `{ products(first: ${PRODUCTS}) { nodes { description } } }`;

beforeAll(async () => {
  database = await createTestDatabase();
  for (let i = 0; i < PRODUCTS; i += 1) {
    await database.pool.query(
      `INSERT INTO products (id, name, description, price_amount, price_currency) VALUES ($1, 'x', $2, 1, 'EUR')`,
      [newId(), DESCRIPTION],
    );
  }
});
afterEach(() => app?.stop());
afterAll(() => database.drop());

const start = async (env: Record<string, string>): Promise<void> => {
  app = await startTestApp({ ...database.env, ...env });
};

/** Holds the products table, so that reading it waits; returns what lets go. */
async function holdProducts(): Promise<() => Promise<void>> {
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE products IN ACCESS EXCLUSIVE MODE');
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

test('an answer that is too large is an error, and the process goes on', async () => {
  await start({ GRAPHQL_MAX_RESPONSE_BYTES: '500000' });
  const answer = await query(app.origin, DESCRIPTIONS);
  expect([answer.status, answer.data]).toEqual([400, null]);
  expect(answer.errors[0]).toMatchObject({
    message: expect.stringMatching(/larger than 500000 bytes: ask for smaller pages/),
    extensions: { code: 'RESPONSE_TOO_LARGE', requestId: expect.any(String) },
  });
  expect(
    dataOf(await query(app.origin, '{ products(first: 10) { nodes { description } } }')).products.nodes,
  ).toHaveLength(10);
});

test('many long texts are refused before they are read', async () => {
  await start({});
  const aliases = Array.from({ length: 30 }, (_, i) => `d${i}: description`).join(' ');
  const answer = await query(app.origin, `{ products(first: 100) { nodes { ${aliases} } } }`);
  expect([answer.status, answer.errors[0]!.message]).toEqual([
    400,
    expect.stringMatching(/costs 150,150, more than the 50,000 allowed.*fewer texts/),
  ]);
  expect(dataOf(await query(app.origin, DESCRIPTIONS)).products.nodes).toHaveLength(PRODUCTS);
});

test('while the event loop is late, requests are refused with 503 and Retry-After; then they are answered again', async () => {
  await start({ GRAPHQL_MAX_EVENT_LOOP_DELAY_MS: '300' });
  await eventually('it has started', async () => (await query(app.origin, '{ __typename }')).status === 200);
  const asked = Array.from({ length: 5 }, () =>
    fetch(`${app.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    }),
  );
  // The test's own process is the server's: this holds it, with the requests in its sockets.
  const until = performance.now() + 1_000;
  while (performance.now() < until);
  const answers = await Promise.all(asked);
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');
  expect(await (await fetch(`${app.origin}/health`)).json()).toEqual({ status: 'ok' });
  await eventually('it recovers', async () => (await query(app.origin, '{ __typename }')).status === 200);
});

test('requests beyond the bound are refused, and counted again when others end', async () => {
  // Each on a connection of its own: PostgreSQL shows all three waiting.
  await start({ GRAPHQL_MAX_CONCURRENT_REQUESTS: '3', DATABASE_PIPELINED_CONNECTIONS: '0' });
  const release = await holdProducts();
  const waiting = Array.from({ length: 3 }, () => query(app.origin, '{ products(first: 1) { nodes { id } } }'));
  await eventually('all wait', async () => {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query NOT LIKE '%remove_deleted_products%' AND datname = current_database()`,
    );
    return rowCount === 3;
  });
  const answer = await query(app.origin, '{ __typename }');
  expect([answer.status, answer.errors[0]!.extensions]).toEqual([
    503,
    { code: 'SERVICE_UNAVAILABLE', retryable: true, requestId: expect.any(String) },
  ]);
  expect((await fetch(`${app.origin}/health`)).status).toBe(200);
  await release();
  for (const answer of await Promise.all(waiting)) dataOf(answer);
  await eventually('there is room', async () => (await query(app.origin, '{ __typename }')).status === 200);
});

test('an operation has a deadline, and begins no statement after it', async () => {
  await start({ GRAPHQL_OPERATION_TIMEOUT_MS: '300' });
  const release = await holdProducts();
  const began = performance.now();
  const answer = await query(app.origin, '{ products(first: 1) { nodes { id reviews(first: 1) { nodes { id } } } } }');
  expect(performance.now() - began).toBeLessThan(3_000);
  expect([answer.status, answer.errors[0]!.extensions.code]).toEqual([503, 'OPERATION_TIMEOUT']);
  await release();
  await eventually('the statement has ended', async () => {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()`,
    );
    return rowCount === 0;
  });
  const { rows } = await database.pool.query<{ n: string }>(
    `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%reviews%' AND query NOT LIKE '%pg_stat_activity%' AND query NOT LIKE '%outbox%'`,
  );
  expect(rows).toEqual([{ n: '0' }]);
  expect(app.log.filter(({ level }) => level === 'error')).toEqual([]);
  dataOf(await query(app.origin, '{ products(first: 1) { nodes { id } } }'));
});

test('a client that does not read its answer is cut off', async () => {
  await start({ GRAPHQL_SEND_TIMEOUT_MS: '500', GRAPHQL_MAX_CONCURRENT_REQUESTS: '1' });
  const body = JSON.stringify({
    query: `{ ${['a', 'b', 'c', 'd'].map((x) => `${x}: products(first: 100) { nodes { description } }`).join(' ')} }`,
  });
  const { hostname, port } = new URL(app.origin);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await eventually('it is in work', async () => (await query(app.origin, '{ __typename }')).status === 503);
  // Its place is free again, although nothing was read.
  await eventually('it is cut off', async () => (await query(app.origin, '{ __typename }')).status === 200, 10_000);
  expect(socket.bytesRead).toBeLessThan(3_900_000);
  socket.destroy();
});
