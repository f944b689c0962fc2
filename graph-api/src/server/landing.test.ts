import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

/** What browsers send when a person types an address. */
const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8' };

let database: TestDatabase;
let app: TestApp;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => app?.stop());
afterAll(() => database.drop());

const open = (path: string, headers: Record<string, string> = BROWSER): Promise<Response> =>
  fetch(`${app.origin}${path}`, { headers, redirect: 'manual' });

test.each(['api', 'docs/api'])('a browser is led to the explorer at /%s', async (path) => {
  app = await startTestApp({ ...database.env, API_DOCS_ACTIVE: 'true', API_DOCS_PATH: path });
  for (const from of ['/', '/graphql']) {
    const answer = await open(from);
    expect([answer.status, answer.headers.get('vary')]).toEqual([302, 'accept']);
    const page = await fetch(new URL(answer.headers.get('location')!, `${app.origin}${from}`));
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  }
});

test('without an explorer it reads one sentence', async () => {
  app = await startTestApp(database.env);
  for (const from of ['/', '/graphql']) {
    const answer = await open(from);
    expect(await answer.text()).toMatch(/GraphQL API: send a POST .* API_DOCS_ACTIVE=true/);
    expect([answer.status, answer.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
  }
});

test('clients, and addresses that hold an operation, are answered as before', async () => {
  app = await startTestApp({ ...database.env, API_DOCS_ACTIVE: 'true' });
  expect((await open('/graphql', { accept: 'application/json' })).status).toBe(400);
  expect((await open('/graphql', { accept: '*/*' })).status).toBe(400);
  expect((await open('/graphql?query=%7B__typename%7D')).status).toBe(400);
  expect((await open('/', { accept: 'application/json' })).status).toBe(404);
  expect((await open('/nothing')).status).toBe(404);
});
