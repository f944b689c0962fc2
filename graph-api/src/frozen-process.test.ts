import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { startAppProcess, type AppProcess } from './testing/app-process.js';
import { contents, everyMutation, type MutationExample } from './testing/every-mutation.js';
import { dataOf, query } from './testing/graphql.js';

let database: TestDatabase;
let app: AppProcess;

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await app.dispose();
  await database.drop();
});

/** What keeps the process from refusing all that arrived while it was frozen, which is the first line of defence. */
const NO_SHEDDING = { GRAPHQL_MAX_EVENT_LOOP_DELAY_MS: '0' };

/** A connection of one client, which is open. */
async function openConnection(): Promise<Socket> {
  const { hostname, port } = new URL(app.origin);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** Sends a mutation; resolves once all of it is on its way. */
async function send(socket: Socket, { operation, token }: MutationExample): Promise<void> {
  const body = JSON.stringify({ query: operation, operationName: null });
  const head = [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `authorization: Bearer ${token}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  await new Promise((resolve) => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, resolve));
}

async function giveUp(socket: Socket): Promise<void> {
  socket.destroy();
  if (!socket.closed) await once(socket, 'close');
}

/** Goes the way of all mutations, and changes nothing. */
async function changeNothing(token: string): Promise<void> {
  const operation = `mutation { updateReview(input: { id: "${randomUUID()}", rating: 1 }) { userErrors { code } } }`;
  const { updateReview } = dataOf(await query(app.origin, operation, {}, { token }));
  expect(updateReview).toEqual({ userErrors: [{ code: 'NOT_FOUND' }] });
}

/** Resolves once what arrived before has been carried out or not. */
async function outlastAll(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await changeNothing(await newUserToken());
}

test('what arrives at a frozen process, and is given up before it goes on, changes nothing', async () => {
  app = await startAppProcess({ ...database.env, ...NO_SHEDDING });
  const mutations = await everyMutation(database.pool);
  // The process knows the tokens, and has connections to PostgreSQL, so that nothing delays the statements.
  await Promise.all(mutations.map(({ token }) => changeNothing(token)));
  const before = await contents(database.pool);
  // Half of them on connections that it knows already.
  const known = await Promise.all(mutations.map(() => openConnection()));
  app.process.pause();
  const fresh = await Promise.all(mutations.map(() => openConnection()));
  for (const [i, mutation] of mutations.entries()) {
    await send(known[i]!, mutation);
    await send(fresh[i]!, mutation);
  }
  await Promise.all([...known, ...fresh].map(giveUp));
  app.process.resume();
  await outlastAll();
  expect(await contents(database.pool)).toEqual(before);

  for (const { name, operation, token } of mutations) {
    expect([name, dataOf(await query(app.origin, operation, {}, { token }))[name]]).toEqual([name, { userErrors: [] }]);
  }
});

test('what waits for a connection to PostgreSQL while the process is frozen, and is given up meanwhile, changes nothing', async () => {
  // One connection for all writes.
  app = await startAppProcess({ ...database.env, ...NO_SHEDDING, DATABASE_POOL_SIZE: '2' });
  const mutations = await everyMutation(database.pool);
  const product = await insertProduct(database.pool);
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM products WHERE id = $1 FOR UPDATE', [product]);
  const operation = `mutation { updateProduct(input: { id: "${product}", name: "First" }) { product { name } } }`;
  const first = query(app.origin, operation, {}, { token: await adminToken() });
  await eventually('the first waits for its lock', async () => (await waitingForLocks()) === 1);

  const before = await contents(database.pool);
  const clients = await Promise.all(mutations.map(() => openConnection()));
  for (const [i, mutation] of mutations.entries()) await send(clients[i]!, mutation);
  // Answered in the order of arrival, so those before it have been read.
  dataOf(await query(app.origin, '{ __typename }'));
  app.process.pause();
  await holder.query('COMMIT');
  holder.release();
  await eventually('the first is done', async () => (await waitingForLocks()) === 0);
  await Promise.all(clients.map(giveUp));
  app.process.resume();
  expect(dataOf(await first).updateProduct).toEqual({ product: { name: 'First' } });
  await outlastAll();
  const after = await contents(database.pool);
  const { rows } = await database.pool.query<{ row: string }>('SELECT p::text AS row FROM products p WHERE id = $1', [
    product,
  ]);
  const products = before['products']!.map((row) => (String(row).includes(product) ? rows[0]!.row : row));
  expect(after).toEqual({ ...before, products: products.sort() });
});

test('a process that was frozen for longer than its event loop may be late refuses what it finds', async () => {
  app = await startAppProcess({ ...database.env, GRAPHQL_MAX_EVENT_LOOP_DELAY_MS: '1000' });
  const [mutation] = await everyMutation(database.pool);
  const before = await contents(database.pool);
  app.process.pause();
  const frozenAt = Date.now();
  const answer = query(app.origin, mutation!.operation, {}, { token: mutation!.token });
  await eventually('it is frozen for long enough', () => Date.now() - frozenAt > 2_500);
  app.process.resume();
  const { status, errors } = await answer;
  expect([status, errors[0]!.extensions.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
  expect(await contents(database.pool)).toEqual(before);
});

async function waitingForLocks(): Promise<number> {
  const { rowCount } = await database.pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount!;
}
