import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readGraphApiConfig } from '../config.js';
import { dataOf, query, send } from '../testing/graphql.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, TEST_SECRET } from '@exact-ratings/stack/testing/tokens.js';
import { createHttpServer } from './http-server.js';
import { Readiness } from './readiness.js';

const ORIGIN = 'https://shop.example';
const URQL_ACCEPT =
  'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  await insertProduct(database.pool);
  app = await startTestApp({ ...database.env, CORS_ORIGINS: ORIGIN });
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** What comes back for bytes that no HTTP client would send. */
function raw(origin: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (data) => (text += data.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.setTimeout(5_000, () => socket.destroy());
  });
}

describe('headers of every answer', () => {
  test.each([
    [
      '/graphql',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ __typename }"}' },
    ],
    ['/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }],
    ['/graphql', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }],
    ['/graphql', { method: 'DELETE' }],
    ['/graphql', { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'POST' } }],
    ['/health', {}],
    ['/ready', {}],
    ['/nothing', {}],
  ] as Array<[string, RequestInit]>)('%s %j', async (path, init) => {
    const { headers } = await fetch(`${app.origin}${path}`, init);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-request-id': expect.any(String),
    });
  });

  test('what is no HTTP at all', async () => {
    const answer = await raw(app.origin, 'nonsense\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('x-content-type-options: nosniff');
  });
});

describe('request ids', () => {
  test('are taken from x-request-id, and come back in header, error and log', async () => {
    const response = await fetch(`${app.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'my-request-7' },
      body: JSON.stringify({ query: 'query Named { product(id: "nope") { id } }', operationName: 'Named' }),
    });
    expect(response.headers.get('x-request-id')).toBe('my-request-7');
    const { errors } = (await response.json()) as { errors: Array<{ extensions: Record<string, unknown> }> };
    expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', requestId: 'my-request-7' });
    await eventually('the access log has it', () => app.log.some(({ requestId }) => requestId === 'my-request-7'));
    expect(app.log.find(({ requestId }) => requestId === 'my-request-7')).toMatchObject({
      level: 'info',
      msg: 'request',
      method: 'POST',
      path: '/graphql',
      operation: 'Named',
      status: 400,
      ms: expect.any(Number),
    });
  });

  test.each([undefined, '', 'a b', 'x'.repeat(200), '<script>'])(
    'are made where there is none of use: %j',
    async (id) => {
      const answer = await query(
        app.origin,
        '{ nothing }',
        {},
        { headers: id === undefined ? {} : { 'x-request-id': id } },
      );
      expect(answer.errors[0]!.extensions['requestId']).toMatch(/^[\da-f-]{36}$/);
    },
  );

  test('are in every kind of error', async () => {
    const post = (body: string, headers = {}) =>
      send(`${app.origin}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
    for (const answer of [
      await post('{'),
      await post('[]'),
      await post('{"query":5}'),
      await post('{"query":"{"}'),
      await post('{"query":"{ __typename }"}', { authorization: 'Bearer x' }),
      await post(JSON.stringify({ query: `{ ${'a { '.repeat(20)} b ${'}'.repeat(20)} }` })),
      await post(JSON.stringify({ query: 'mutation { deleteProduct(input: { id: "x" }) { deletedProductId } }' })),
      await send(`${app.origin}/nothing`, {}),
    ]) {
      expect(answer.errors[0]!.extensions).toMatchObject({ code: expect.any(String), requestId: expect.any(String) });
    }
  });
});

test('the access log can be switched off, and leaves probes out', async () => {
  const quiet = await startTestApp({ ...database.env, ACCESS_LOG: 'false' });
  try {
    dataOf(await query(quiet.origin, '{ __typename }'));
    await send(`${app.origin}/health`, {});
    dataOf(await query(app.origin, '{ __typename }', {}, { headers: { 'x-request-id': 'after-health' } }));
    await eventually('the other logs', () => app.log.some(({ requestId }) => requestId === 'after-health'));
    expect(quiet.log.filter(({ msg }) => msg === 'request')).toEqual([]);
    expect(app.log.filter(({ path }) => path === '/health')).toEqual([]);
  } finally {
    await quiet.stop();
  }
});

describe('browsers of other origins', () => {
  test.each(['sentry-trace, baggage', 'x-request-id', 'apollographql-client-name', 'authorization, content-type'])(
    'may send %s',
    async (headers) => {
      const { status, headers: answer } = await fetch(`${app.origin}/graphql`, {
        method: 'OPTIONS',
        headers: { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
      });
      expect([status, answer.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
      expect(answer.get('access-control-allow-headers')).toBe(headers);
    },
  );

  test('may read the request id; those of other origins nothing', async () => {
    const ask = (origin: string) => fetch(`${app.origin}/health`, { headers: { origin } });
    expect((await ask(ORIGIN)).headers.get('access-control-expose-headers')).toMatch(/x-request-id/);
    expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('queries by GET', () => {
  const get = (operation: string, accept: string) =>
    send(`${app.origin}/graphql?query=${encodeURIComponent(operation)}`, { headers: { accept } });

  test.each([URQL_ACCEPT, 'application/json', 'application/graphql-response+json; charset=utf-8'])(
    'work for a client that accepts %s',
    async (accept) => {
      expect(dataOf(await get('{ __typename }', accept))).toEqual({ __typename: 'Query' });
    },
  );

  test.each(['*/*', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'image/avif,image/webp,*/*'])(
    'are refused where a link, an image or a form could have sent them: %s',
    async (accept) => {
      expect(await get('{ __typename }', accept)).toMatchObject({ status: 400, data: null });
    },
  );

  test.each(['nonsense', '[]', '5'])('variables must be an object, not %s', async (variables) => {
    const address = `${app.origin}/graphql?query=%7B__typename%7D&variables=${variables}`;
    const answer = await send(address, { headers: { accept: URQL_ACCEPT } });
    expect(answer).toMatchObject({ status: 400, errors: [{ message: '"variables" must be an object.' }] });
  });

  test('mutations stay refused', async () => {
    const answer = await get('mutation { deleteReview(input: { id: "x" }) { deletedReviewId } }', URQL_ACCEPT);
    expect(answer).toMatchObject({ status: 405, data: null });
  });
});

describe('bodies that are not UTF-8 are refused, and nothing is stored', () => {
  const mutation = JSON.stringify({
    query: 'mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { id } } }',
    variables: { input: { name: 'Café Größe', price: { amount: '1', currencyCode: 'EUR' } } },
  });
  const utf16 = Buffer.from(mutation, 'utf16le');
  const json = 'application/json';
  test.each<[string, Buffer, string, Record<string, string>]>([
    ['Latin-1', Buffer.from(mutation, 'latin1'), json, {}],
    ['Latin-1 that says it is UTF-8', Buffer.from(mutation, 'latin1'), `${json}; charset=utf-8`, {}],
    ['Latin-1 that says so', Buffer.from(mutation, 'latin1'), `${json}; charset=iso-8859-1`, {}],
    ['UTF-16', utf16, json, {}],
    ['UTF-16 that says so', utf16, `${json}; charset=utf-16`, {}],
    ['UTF-16 with a byte order mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), json, {}],
    ['UTF-16 of the other order', Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()]), json, {}],
    ['gzip that does not say so', gzipSync(mutation), json, {}],
    ['gzip that says so', gzipSync(mutation), json, { 'content-encoding': 'gzip' }],
    ['what says that it is gzip', Buffer.from(mutation), json, { 'content-encoding': 'gzip' }],
    ['a character cut in two', Buffer.from(mutation).subarray(0, Buffer.from(mutation).indexOf(0xc3) + 1), json, {}],
    [
      'a surrogate as if it were UTF-8',
      Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
      json,
      {},
    ],
    [
      'an overlong form',
      Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
      json,
      {},
    ],
  ])('%s', async (_name, body, type, headers) => {
    const token = await adminToken();
    const count = async () => (await database.pool.query('SELECT FROM products')).rowCount;
    const before = await count();
    const all = { 'content-type': type, authorization: `Bearer ${token}`, ...headers };
    const whole = await send(`${app.origin}/graphql`, { method: 'POST', headers: all, body: new Uint8Array(body) });
    expect([whole.status, whole.errors[0]?.extensions.code]).toEqual([400, 'BAD_REQUEST']);
    const chunks = new ReadableStream({
      start: (controller) => {
        for (let at = 0; at < body.length; at += 7) controller.enqueue(new Uint8Array(body.subarray(at, at + 7)));
        controller.close();
      },
    });
    const init = { method: 'POST', headers: all, body: chunks, duplex: 'half' } as RequestInit;
    expect((await send(`${app.origin}/graphql`, init)).status).toBe(400);
    expect(await count()).toBe(before);
  });

  test('UTF-8 in chunks that cut characters, and with a byte order mark, is stored as it is', async () => {
    const token = await adminToken();
    for (const body of [
      Buffer.from(mutation),
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(mutation)]),
    ]) {
      const chunks = new ReadableStream({
        start: (controller) => {
          for (const byte of body) controller.enqueue(new Uint8Array([byte]));
          controller.close();
        },
      });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const init = { method: 'POST', headers, body: chunks, duplex: 'half' } as RequestInit;
      const { id } = dataOf(await send(`${app.origin}/graphql`, init)).createProduct.product;
      expect(dataOf(await query(app.origin, `{ product(id: "${id}") { name } }`)).product.name).toBe('Café Größe');
    }
  });
});

test('an idle connection is kept for longer than balancers keep theirs', async () => {
  expect((await fetch(`${app.origin}/health`)).headers.get('keep-alive')).toBe('timeout=620');
  const short = await startTestApp({ ...database.env, HTTP_KEEP_ALIVE_TIMEOUT_MS: '1000' });
  try {
    const began = performance.now();
    await raw(short.origin, 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n');
    expect(performance.now() - began).toBeLessThan(4_500);
  } finally {
    await short.stop();
  }
}, 20_000);

test('headers may take longer than an idle connection is kept, and a request no longer than before', async () => {
  const config = readGraphApiConfig({ JWT_SECRET: TEST_SECRET, HTTP_KEEP_ALIVE_TIMEOUT_MS: '700000' });
  const { server } = await createHttpServer({
    ...{ ...config, maxBodyBytes: 1_024 },
    readiness: new Readiness(() => Promise.resolve(true)),
    logger: createLogger('test', 'silent'),
  });
  expect([server.keepAliveTimeout, server.headersTimeout, server.requestTimeout]).toEqual([700_000, 701_000, 30_000]);
});
