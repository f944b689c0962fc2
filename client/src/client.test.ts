import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRatingsClient, type RatingsClientOptions } from './client.js';
import { ApiError, TransportError } from './errors.js';

const ID = '0199b7a4-0000-7000-8000-000000000001';
const PRODUCT = { product: { id: ID, averageRating: 4.5, reviewCount: 2 } };

let server: Server;
let url: string;
let requests: Array<{ readonly headers: IncomingMessage['headers']; readonly body: { variables?: unknown } }>;
let answer: Answer;

beforeEach(async () => {
  requests = [];
  answer = json(200, { data: PRODUCT });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

type Answer = (response: ServerResponse) => void;

function json(status: number, body: unknown): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

function text(status: number, type: string, body: string): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };
}

const html = (status: number): Answer => text(status, 'text/html', '<html>Another page</html>');

const failure = (options: Partial<RatingsClientOptions> = {}): Promise<unknown> =>
  createRatingsClient({ url, ...options })
    .Product({ id: ID })
    .then(
      () => undefined,
      (error: unknown) => error,
    );

test('sends an operation of one’s own as it sends the others, with token, headers and errors', async () => {
  const client = createRatingsClient({ url, token: 'abc' });
  const text = 'query Own($id: ID!) { product(id: $id) { id } }';
  type Own = { readonly product: { readonly id: string } | null };
  const { product } = await client.request<Own>(text, { id: ID }, { 'x-request-id': '42' });
  expect(product?.id).toBe(ID);
  expect(requests[0]!.body).toMatchObject({ query: text, variables: { id: ID } });
  expect(requests[0]!.headers).toMatchObject({ authorization: 'Bearer abc', 'x-request-id': '42' });

  answer = json(400, { errors: [{ message: 'no', extensions: { code: 'BAD_USER_INPUT' } }] });
  await expect(client.request(text, { id: 'x' })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', status: 400 });
  const controller = new AbortController();
  controller.abort();
  await expect(client.request(text, { id: ID }, {}, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
});

test('sends the variables and answers the data', async () => {
  expect(await createRatingsClient({ url }).Product({ id: ID })).toEqual(PRODUCT);
  expect(requests[0]!.body).toMatchObject({ operationName: 'Product', variables: { id: ID } });
  expect(requests[0]!.headers).not.toHaveProperty('authorization');
});

test('sends a fixed token, or asks for one before each request', async () => {
  await createRatingsClient({ url, token: 'fixed' }).Product({ id: ID });
  let count = 0;
  const client = createRatingsClient({ url, token: async () => `token-${++count}` });
  await client.Product({ id: ID });
  await client.Product({ id: ID });
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer fixed',
    'Bearer token-1',
    'Bearer token-2',
  ]);
});

test('rejects with what the source of tokens threw, without a request', async () => {
  const reason = new Error('signed out');
  expect(await failure({ token: () => Promise.reject(reason) })).toBe(reason);
  expect(requests).toEqual([]);
});

test('gives back userErrors as data', async () => {
  const userErrors = [{ code: 'OUT_OF_RANGE', field: ['input', 'rating'], message: 'A rating is 1 to 5.' }];
  answer = json(200, { data: { createReview: { review: null, product: null, ratingVersion: null, userErrors } } });
  const { createReview } = await createRatingsClient({ url }).CreateReview({ input: { productId: ID, rating: 6 } });
  expect(createReview.userErrors).toEqual(userErrors);
});

test.each([200, 401])('turns top-level errors with HTTP %i into an ApiError', async (status) => {
  const extensions = { code: 'BAD_USER_INPUT', argument: 'id' };
  answer = json(status, {
    errors: [{ message: 'Not an id.', path: ['product'], extensions }, { message: 'And more.' }],
  });
  const error = (await failure()) as ApiError;
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ code: 'BAD_USER_INPUT', status, retryable: false });
  expect(error.message).toBe('BAD_USER_INPUT: Not an id.; UNKNOWN: And more.');
  expect(error.errors).toEqual([
    { message: 'Not an id.', code: 'BAD_USER_INPUT', path: ['product'], argument: 'id', retryable: false },
    { message: 'And more.', code: 'UNKNOWN', retryable: false },
  ]);
});

test('knows what may succeed later', async () => {
  answer = json(503, {
    errors: [{ message: 'Again, please.', extensions: { code: 'SERVICE_UNAVAILABLE', retryable: true } }],
  });
  expect(await failure()).toMatchObject({
    name: 'ApiError',
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
    retryable: true,
  });
});

test.each<[string, Answer, number | undefined, boolean]>([
  ['a page', html(200), 200, false],
  ['a missing page', html(404), 404, false],
  ['a proxy without its server', html(502), 502, true],
  ['JSON of something else', json(200, { ok: true }), 200, false],
  ['errors of something else', json(500, { errors: 'many' }), 500, true],
  ['broken JSON', text(200, 'application/json', '{'), 200, false],
  ['an empty answer', text(200, 'application/json', ''), 200, false],
  ['a reset', (response) => response.destroy(), undefined, true],
])('turns %s into a TransportError', async (_what, reply, status, retryable) => {
  answer = reply;
  const error = await failure();
  expect(error).toBeInstanceOf(TransportError);
  expect(error).toMatchObject({ status, retryable });
});

test('turns a refused connection into a TransportError that says so', async () => {
  const error = await failure({ url: 'http://127.0.0.1:1/graphql' });
  expect(error).toMatchObject({
    name: 'TransportError',
    retryable: true,
    message: expect.stringMatching(/did not answer: /),
  });
});

test('gives up after the time limit, also where the caller has a signal', async () => {
  answer = () => undefined;
  expect(await failure({ timeoutMs: 50 })).toMatchObject({ name: 'TransportError', retryable: true });
  const own = new AbortController();
  const request = createRatingsClient({ url, timeoutMs: 50 }).Product({ id: ID }, {}, own.signal);
  await expect(request).rejects.toBeInstanceOf(TransportError);
});

test('ends with the caller’s signal', async () => {
  const own = new AbortController();
  answer = () => own.abort();
  await expect(createRatingsClient({ url }).Product({ id: ID }, {}, own.signal)).rejects.toMatchObject({
    name: 'AbortError',
  });
});
