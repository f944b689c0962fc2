import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { ERROR_CODES, type ErrorCode } from '../graphql/error-codes.js';
import { query, send, type Answer, type RequestOptions } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];
const seen = new Set<string>();

let database: TestDatabase;
let app: TestApp;
let product: string;
let review: string;

beforeAll(async () => {
  database = await createTestDatabase();
  product = await insertProduct(database.pool);
  review = await insertReview(database.pool, product, 5);
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** One kind of answer for the code, wherever it arises: no data, its status, and whether to try again. */
function expectRefusal(answer: Answer, code: ErrorCode, status: number = ERROR_CODES[code].status): void {
  const { extensions } = answer.errors[0]!;
  expect([extensions.code, answer.status, extensions['retryable'] ?? false]).toEqual([
    code,
    status,
    ERROR_CODES[code].retryable,
  ]);
  expect(JSON.parse(answer.text)).not.toHaveProperty('data');
  expect(extensions).toHaveProperty('requestId');
  seen.add(code);
}

const post = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  send(`${app.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

test('the table of docs/api.md has every code, its status, and whether to try again', () => {
  const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (\d{3})[^|]*\| (yes|no) /gm)].map(
    ([, code, status, retryable]) => [code, { status: Number(status), retryable: retryable === 'yes' }],
  );
  const facts = CODES.map((code) => {
    const { status, retryable } = ERROR_CODES[code];
    return [code, { status, retryable }];
  });
  expect(rows).toHaveLength(facts.length);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(facts));
});

const nobodys = '01930000-0000-7000-8000-000000000000';

describe.each<[string, RequestOptions]>([
  ['application/json', {}],
  ['application/graphql-response+json', { headers: { accept: 'application/graphql-response+json' } }],
])('as %s', (_type, options) => {
  test.each<[string, string, Record<string, unknown>]>([
    ['a variable of another type', 'query ($first: Int) { products(first: $first) { nodes { id } } }', { first: 1.5 }],
    ['a field that may be null', '{ product(id: "x") { id } }', {}],
    ['a field that may be null, beside data', '{ __typename products { nodes { id } } product(id: "x") { id } }', {}],
    ['a field that may not be null', '{ products(first: 101) { nodes { id } } }', {}],
    ['a field below a list', '{ products { nodes { id reviews(after: "x") { nodes { id } } } } }', {}],
  ])('BAD_USER_INPUT is one status: %s', async (_where, operation, variables) => {
    expectRefusal(await query(app.origin, operation, variables, options), 'BAD_USER_INPUT');
  });

  test('BAD_USER_INPUT and FORBIDDEN are one status in a mutation too, beside others that succeed', async () => {
    const token = await newUserToken();
    const own = `createReview(input: { productId: "${product}", rating: 4 }) { review { id } }`;
    const withToken = { ...options, token };
    const bad = `mutation { ${own} b: createReview(input: { productId: "x", rating: 5 }) { review { id } } }`;
    expectRefusal(await query(app.origin, bad, {}, withToken), 'BAD_USER_INPUT');
    for (const forbidden of [
      `deleteProduct(input: { id: "${nobodys}" }) { deletedProductId }`,
      `updateReview(input: { id: "${review}", rating: 1 }) { review { id } }`,
    ]) {
      expectRefusal(await query(app.origin, `mutation { ${forbidden} }`, {}, withToken), 'FORBIDDEN');
      expectRefusal(await query(app.origin, `mutation { ${own} ${forbidden} }`, {}, withToken), 'FORBIDDEN');
    }
    const besideData = `{ __typename review(id: "${review}") { id decisions { reason } } }`;
    expectRefusal(await query(app.origin, besideData, {}, withToken), 'FORBIDDEN');
    const stars = await database.pool.query('SELECT FROM reviews WHERE rating = 1');
    expect(stars.rowCount).toBe(0);
  });

  test('UNAUTHENTICATED is one status: no token, and a wrong one', async () => {
    const write = `mutation { createReview(input: { productId: "${product}", rating: 4 }) { review { id } } }`;
    expectRefusal(await query(app.origin, write, {}, options), 'UNAUTHENTICATED');
    expectRefusal(await query(app.origin, '{ __typename }', {}, { ...options, token: 'x' }), 'UNAUTHENTICATED');
  });
});

test('what is no valid request', async () => {
  expectRefusal(await post('{"query":"{"}'), 'GRAPHQL_PARSE_FAILED');
  expectRefusal(await query(app.origin, '{ nothing }'), 'GRAPHQL_VALIDATION_FAILED');
  const large = '{ products(first: 100) { nodes { reviews(first: 100) { nodes { id title rating version } } } } }';
  expectRefusal(await query(app.origin, large), 'QUERY_TOO_COMPLEX');
  expectRefusal(await query(app.origin, `{ a(b: "${'x'.repeat(2_000)}") }`), 'QUERY_TOO_COMPLEX');
  expectRefusal(await post('{"query":"{ __typename }","operationName":"Other"}'), 'OPERATION_RESOLUTION_FAILURE');
  expectRefusal(await post('{'), 'BAD_REQUEST');
  expectRefusal(await post('{"query":5}'), 'BAD_REQUEST');
  expectRefusal(await post('x'.repeat(300_000)), 'BAD_REQUEST', 413);
  expectRefusal(await post('{}', { 'content-type': 'text/plain' }), 'BAD_REQUEST', 415);
  const byGet = `query=${encodeURIComponent('mutation { deleteReview(input: { id: "x" }) { deletedReviewId } }')}`;
  const json = { headers: { accept: 'application/json' } };
  expectRefusal(await send(`${app.origin}/graphql?${byGet}`, json), 'BAD_REQUEST', 405);
  expectRefusal(await send(`${app.origin}/nothing`, {}), 'NOT_FOUND');
});

test('a persisted query is refused in the words that clients know, by POST and by GET', async () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
  const byGet = `operationName=X&extensions=${encodeURIComponent(JSON.stringify(extensions))}`;
  for (const answer of [
    await post(JSON.stringify({ operationName: 'X', extensions })),
    await send(`${app.origin}/graphql?${byGet}`, { headers: { accept: 'application/json' } }),
  ]) {
    expectRefusal(answer, 'PERSISTED_QUERY_NOT_SUPPORTED');
    expect(answer.errors[0]!.message).toBe('PersistedQueryNotSupported');
  }
});

test('what the service cannot answer', async () => {
  const limited = await startTestApp({
    ...database.env,
    GRAPHQL_MAX_RESPONSE_BYTES: '1024',
    GRAPHQL_MAX_CONCURRENT_REQUESTS: '1',
    GRAPHQL_OPERATION_TIMEOUT_MS: '4000',
  });
  const locker = await database.pool.connect();
  const read = `{ product(id: "${product}") { name } }`;
  try {
    const large = Array.from({ length: 25 }, (_, i) => `p${i}: products { nodes { id name createdAt } }`).join(' ');
    expectRefusal(await query(limited.origin, `{ ${large} }`), 'RESPONSE_TOO_LARGE');

    await locker.query('BEGIN; LOCK TABLE products');
    const waiting = query(limited.origin, read);
    await eventually('a request waits', async () => {
      const { rowCount } = await locker.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rowCount! > 0;
    });
    expectRefusal(await query(limited.origin, read), 'SERVICE_UNAVAILABLE');
    expectRefusal(await waiting, 'OPERATION_TIMEOUT');
  } finally {
    await locker.query('ROLLBACK');
    locker.release();
    await limited.stop();
  }
  await database.pool.query('ALTER TABLE products RENAME COLUMN description TO gone');
  try {
    expectRefusal(await query(app.origin, '{ products { nodes { description } } }'), 'INTERNAL_SERVER_ERROR');
    const beside = await query(app.origin, `{ __typename product(id: "${nobodys}") { description } }`);
    expect([beside.status, beside.data]).toEqual([200, { __typename: 'Query', product: null }]);
  } finally {
    await database.pool.query('ALTER TABLE products RENAME COLUMN gone TO description');
  }
});

test('documents that no manifest lists', async () => {
  const strict = await startTestApp({
    ...database.env,
    TRUSTED_DOCUMENTS: 'only',
    TRUSTED_DOCUMENT_MANIFESTS: fileURLToPath(new URL('../../../docs/trusted-documents.json', import.meta.url)),
  });
  try {
    expectRefusal(await query(strict.origin, '{ __typename }'), 'DOCUMENT_NOT_TRUSTED');
    const byId = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"documentId":"other"}' };
    expectRefusal(await send(`${strict.origin}/graphql`, byId), 'PERSISTED_QUERY_NOT_FOUND');
  } finally {
    await strict.stop();
  }
});

test('what is more than a caller may do in a minute', async () => {
  const limited = await startTestApp({ ...database.env, RATE_LIMIT_MUTATIONS: '1' });
  try {
    const token = await newUserToken();
    const write = `mutation { createReview(input: { productId: "${product}", rating: 4 }) { review { id } } }`;
    expect((await query(limited.origin, write, {}, { token })).status).toBe(200);
    expectRefusal(await query(limited.origin, write, {}, { token }), 'RATE_LIMITED');
  } finally {
    await limited.stop();
  }
});

test('every code was met here', () => {
  expect([...seen].sort()).toEqual([...CODES].sort());
});
