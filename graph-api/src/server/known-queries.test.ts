import { request as httpRequest } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { jest } from '@jest/globals';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken } from '@exact-ratings/stack/testing/tokens.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

const LIMITS = { GRAPHQL_MAX_COST: '300', GRAPHQL_MAX_RESPONSE_BYTES: '3000', CORS_ORIGINS: 'https://shop.example' };

let database: TestDatabase;
let knowing: TestApp;
let unknowing: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  for (let i = 0; i < 40; i += 1) await insertReview(database.pool, await insertProduct(database.pool), 4);
  knowing = await startTestApp({ ...database.env, ...LIMITS, GRAPHQL_COMPILE_AFTER: '1' });
  unknowing = await startTestApp({ ...database.env, ...LIMITS, GRAPHQL_COMPILE_AFTER: '0' });
});
afterAll(async () => {
  await knowing?.stop();
  await unknowing?.stop();
  await database.drop();
});

const PAGE =
  'query Page($n: Int = 2, $after: String) { products(first: $n, after: $after) { nodes { id averageRating reviewCount } } }';

interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or the bytes as they are. */
  readonly body?: unknown;
}

/** The answer with all of its headers; without what differs from request to request. `fetch` would add headers of its own. */
async function answerOf(app: TestApp, { method = 'POST', path = '/graphql', headers = {}, body }: Request) {
  const bytes = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise<{ status: number | undefined; headers: object; body: string }>((resolve, reject) => {
    const sent = httpRequest(
      `${app.origin}${path}`,
      { method, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const { date: _date, 'x-request-id': requestId, ...others } = response.headers;
          resolve({ status: response.statusCode, headers: others, body: text.replaceAll(String(requestId), '…') });
        });
      },
    );
    sent.on('error', reject);
    sent.end(bytes);
  });
}

/** Runs something and tells how many operations Apollo Server was given meanwhile. */
async function givenToApollo(action: () => Promise<unknown>): Promise<number> {
  const executed = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
  try {
    await action();
    return executed.mock.calls.length;
  } finally {
    executed.mockRestore();
  }
}

/** Afterwards its query is known, if it ever is. */
async function learn(sent: Request): Promise<void> {
  await answerOf(knowing, sent);
}

describe('an answer is the same, with its headers, whoever gives it', () => {
  const page = (variables: unknown, rest: object = {}): Request => ({ body: { query: PAGE, variables, ...rest } });
  const ACCEPTED: ReadonlyArray<[name: string, request: Request]> = [
    ['nothing unusual', page({ n: 2 })],
    ['no variables', page(undefined)],
    ['variables are null', page(null)],
    ['a variable is null', page({ n: null })],
    ['a variable that the query does not have', page({ n: 1, x: 1 })],
    ['extensions are null', page({}, { extensions: null })],
    ['operationName is null', page({}, { operationName: null })],
    ['operationName is given', page({}, { operationName: 'Page' })],
    ['anything is accepted', { ...page({}), headers: { accept: '*/*' } }],
    [
      'what the SDK accepts',
      { ...page({}), headers: { accept: 'application/graphql-response+json, application/json' } },
    ],
    ['only the newer type', { ...page({}), headers: { accept: 'application/graphql-response+json' } }],
    [
      'by preference',
      { ...page({}), headers: { accept: 'application/json;q=0.1, application/graphql-response+json' } },
    ],
    ['the cost is asked for', { ...page({ n: 2 }), headers: { 'graphql-cost': 'report' } }],
    ['with a charset', { ...page({}), headers: { 'content-type': 'application/json; charset=UTF-8' } }],
    ['a browser of an allowed origin', { ...page({}), headers: { origin: 'https://shop.example' } }],
    ['a browser of another origin', { ...page({}), headers: { origin: 'https://evil.example' } }],
  ];
  test.each(ACCEPTED)('%s: known', async (_name, request) => {
    await learn(request);
    const others = await answerOf(unknowing, request);
    expect(others).toMatchObject({ status: 200, body: expect.stringContaining('"averageRating"') });
    let answer: unknown;
    expect(await givenToApollo(async () => (answer = await answerOf(knowing, request)))).toBe(0);
    expect(answer).toEqual(others);
  });

  const UNUSUAL: ReadonlyArray<[name: string, request: Request]> = [
    ['a header for the cost that is none', { ...page({}), headers: { 'graphql-cost': 'maybe' } }],
    ['nothing acceptable', { ...page({}), headers: { accept: 'image/png' } }],
    ['a hash beside its query', page({}, { extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } })],
    ['another operationName', page({}, { operationName: 'Other' })],
    ['an empty operationName', page({}, { operationName: '' })],
    ['an operationName that is no text', page({}, { operationName: 7 })],
    ['variables are no object', page([1])],
    ['a batch', { body: [{ query: PAGE }] }],
    ['no JSON', { body: '{' }],
    ['a form', { ...page({}), headers: { 'content-type': 'text/plain' } }],
    ['another charset', { ...page({}), headers: { 'content-type': 'application/json; charset=latin1' } }],
    ['a token that is none', { ...page({}), headers: { authorization: 'Bearer nonsense' } }],
    ['a bad page size', page({ n: 101 })],
    ['a variable of another type', page({ n: 'two' })],
    ['a cursor that is none', page({ after: 'nonsense' })],
    ['GET', { method: 'GET', path: `/graphql?query=${encodeURIComponent(PAGE)}` }],
    [
      'GET that names JSON',
      {
        method: 'GET',
        path: `/graphql?query=${encodeURIComponent(PAGE)}`,
        headers: { accept: 'application/json' },
      },
    ],
    ['a mutation', { body: { query: 'mutation { deleteReview(id: "x") { userErrors { code } } }' } }],
  ];
  test.each(UNUSUAL)('%s', async (_name, request) => {
    await learn(page({}));
    await learn(request);
    expect(await answerOf(knowing, request)).toEqual(await answerOf(unknowing, request));
  });

  test('the cost of a known query is checked with the variables of each request', async () => {
    const query = 'query ($n: Int) { products(first: $n) { nodes { reviews(first: 5) { nodes { id } } } } }';
    await learn({ body: { query, variables: { n: 1 } } });
    const large = { body: { query, variables: { n: 100 } } };
    const answer = await answerOf(knowing, large);
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('QUERY_TOO_COMPLEX') });
    expect(answer).toEqual(await answerOf(unknowing, large));
  });

  test('the size of a known answer is bounded', async () => {
    await learn(page({ n: 1 }));
    const answer = await answerOf(knowing, page({ n: 40 }));
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('larger than 3000 bytes') });
    expect(answer).toEqual(await answerOf(unknowing, page({ n: 40 })));
  });

  test('a known query gives each caller what they may see', async () => {
    const anonymous = { body: { query: '{ reviews(filter: { statuses: [PENDING] }) { nodes { id } } }' } };
    const admin = { ...anonymous, headers: { authorization: `Bearer ${await adminToken()}` } };
    await learn(admin);
    expect(await answerOf(knowing, admin)).toMatchObject({ status: 200 });
    expect(await answerOf(knowing, anonymous)).toMatchObject({ status: 401 });
    for (const request of [admin, anonymous]) {
      expect(await answerOf(knowing, request)).toEqual(await answerOf(unknowing, request));
    }
  });
});

test('the operations of one text are known apart', async () => {
  const query = 'query A { products(first: 1) { nodes { id } } } query B { products(first: 1) { nodes { name } } }';
  for (const operationName of ['A', 'B', 'A', 'A', 'B', 'B', 'C', 'A']) {
    const request = { body: { query, operationName } };
    expect(await answerOf(knowing, request)).toEqual(await answerOf(unknowing, request));
  }
});

test('a known query is in the access log', async () => {
  const headers = { 'x-request-id': 'known-and-logged' };
  await learn({ body: { query: PAGE, operationName: 'Page' } });
  const sent = (): Promise<unknown> => answerOf(knowing, { body: { query: PAGE, operationName: 'Page' }, headers });
  expect(await givenToApollo(sent)).toBe(0);
  expect(knowing.log.filter(({ requestId }) => requestId === 'known-and-logged')).toEqual([
    expect.objectContaining({ msg: 'request', path: '/graphql', operation: 'Page', status: 200 }),
  ]);
});

test('with GRAPHQL_COMPILE_AFTER=0 nothing is known', async () => {
  const request = { body: { query: PAGE } };
  await answerOf(unknowing, request);
  expect(await givenToApollo(() => answerOf(unknowing, request))).toBe(1);
});
