import { query, send } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

/** The twelve checks of graphql-cop, against production mode with the explorer off. */

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp({
    ...database.env,
    NODE_ENV: 'production',
    JWT_ISSUER: 'https://issuer.example',
    JWT_AUDIENCE: 'ratings',
    SHUTDOWN_DRAIN_MS: '0',
  });
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** A GET as the scanner sends it: it accepts anything. */
const get = (operation: string) =>
  send(`${app.origin}/graphql?query=${encodeURIComponent(operation)}`, { headers: { accept: '*/*' } });

test.each([
  ['introspection', 'query cop { __schema { types { name fields { name } } } }'],
  [
    'a circular query of the schema',
    'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
  ],
  [
    '101 aliases of __typename',
    `query cop { ${Array.from({ length: 101 }, (_, i) => `alias${i}: __typename`).join(' ')} }`,
  ],
  ['500 times one field', `query cop { ${'__typename '.repeat(500)} }`],
])('%s: no data', async (_name, operation) => {
  const answer = await query(app.origin, operation);
  expect([answer.status, answer.data]).toEqual([400, null]);
});

test('field suggestions: none', async () => {
  const answer = await query(app.origin, 'query cop { __schema { directive } }');
  expect(answer.errors.length).toBeGreaterThan(0);
  expect(answer.text).not.toContain('Did you mean');
});

test('an IDE: none', async () => {
  for (const path of ['/graphql', '/api', '/']) {
    const answer = await send(`${app.origin}${path}`, { headers: { accept: 'text/html' } });
    expect(answer.text).not.toMatch(/graphiql|playground/i);
  }
});

test('queries by GET from anywhere: refused', async () => {
  expect(await get('query cop { __typename }')).toMatchObject({ status: 400, data: null });
});

test('mutations by GET: refused', async () => {
  expect((await get('mutation cop { __typename }')).data).toBeNull();
});

test('a form by POST: refused', async () => {
  const body = new URLSearchParams({ query: 'query cop { __typename }' });
  expect(await send(`${app.origin}/graphql`, { method: 'POST', body })).toMatchObject({ status: 415, data: null });
});

test('batches: refused', async () => {
  const body = JSON.stringify(Array.from({ length: 10 }, () => ({ query: 'query cop { __typename }' })));
  const headers = { 'content-type': 'application/json' };
  const answer = await send(`${app.origin}/graphql`, { method: 'POST', headers, body });
  expect([answer.status, answer.data, answer.errors.length]).toEqual([400, null, 1]);
});

test.each([10, 40, 100])('%d directives that do not exist: few errors', async (count) => {
  const answer = await query(app.origin, `query cop { __typename ${'@aa'.repeat(count)} }`);
  expect(answer.status).toBe(400);
  expect(answer.errors.length).toBeLessThanOrEqual(5);
});

test('traces and exceptions in errors: none', async () => {
  for (const operation of ['query cop { __typename }', 'qwerty cop { abc }']) {
    const { text } = await query(app.origin, operation);
    expect(text).not.toMatch(/tracing|exception|stacktrace/i);
  }
});
