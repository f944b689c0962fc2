import { request as httpRequest } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { jest } from '@jest/globals';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { ReviewCommands } from '../reviews/review-commands.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

const LIMITS = { GRAPHQL_MAX_COST: '1500', GRAPHQL_MAX_RESPONSE_BYTES: '3000', CORS_ORIGINS: 'https://shop.example' };

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

/** Afterwards its operation is known, if it ever is. */
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
    ['a mutation', { body: { query: 'mutation { deleteReview(input: { id: "x" }) { userErrors { code } } }' } }],
  ];
  test.each(UNUSUAL)('%s', async (_name, request) => {
    await learn(page({}));
    await learn(request);
    expect(await answerOf(knowing, request)).toEqual(await answerOf(unknowing, request));
  });

  test('the cost of a known query is checked with the variables of each request', async () => {
    const query = 'query ($n: Int) { products(first: $n) { nodes { reviews(first: 20) { nodes { id } } } } }';
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

describe('a mutation is the same, whoever executes it', () => {
  const CREATE = `mutation Create($input: CreateReviewInput!, $reviews: Int = 1, $withBody: Boolean = false) {
    createReview(input: $input) {
      review { id rating body @include(if: $withBody) author { displayName } }
      product { id averageRating reviewCount reviews(first: $reviews) { nodes { rating } } }
      ratingVersion
      userErrors { code field message }
    }
  }`;
  const DELETE = 'mutation ($id: ID!) { deleteReview(input: { id: $id }) { ratingVersion userErrors { code } } }';
  const TWICE = `mutation ($first: CreateReviewInput!, $second: CreateReviewInput!) {
    first: createReview(input: $first) { ratingVersion userErrors { code } }
    second: createReview(input: $second) { ratingVersion userErrors { code } }
  }`;

  /** What a mutation is about; each application has its own, since both change them. */
  interface Subject {
    readonly product: string;
    readonly review: string;
  }
  type Ask = (subject: Subject) => {
    readonly query: string;
    readonly variables: object;
    readonly operationName?: string;
  };

  const create =
    (input: object, variables: object = {}): Ask =>
    ({ product }) => ({ query: CREATE, variables: { input: { productId: product, ...input }, ...variables } });

  /** Answers with ids as their places in the answer and its subject, and what is stored afterwards. */
  async function outcomeOf(app: TestApp, ask: Ask, headers: Record<string, string>) {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 2);
    const answer = await answerOf(app, { body: ask({ product, review }), headers });
    const ids = [product, review];
    const body = answer.body.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => {
      if (!ids.includes(id)) ids.push(id);
      return `id ${ids.indexOf(id)}`;
    });
    const { rows } = await database.pool.query(
      'SELECT rating, length(body) AS length FROM reviews WHERE product_id = $1 ORDER BY created_at',
      [product],
    );
    return { ...answer, headers: { ...answer.headers, 'content-length': 0 }, body, rows: rows as unknown[] };
  }

  const OK = { rating: 5, body: 'Well made.' };
  const CASES: ReadonlyArray<[name: string, ask: Ask, status: number, knownCalls: number, shows: string]> = [
    ['one that succeeds', create(OK), 200, 0, '"ratingVersion":2'],
    ['a condition', create(OK, { withBody: true }), 200, 0, '"body":"Well made."'],
    [
      'one of two in a text',
      ({ product }) => ({
        query: `mutation A { __typename } ${CREATE}`,
        variables: { input: { ...OK, productId: product } },
        operationName: 'Create',
      }),
      200,
      0,
      '"ratingVersion":2',
    ],
    ['what a person can correct', create({ rating: 9, title: ' ' }), 200, 0, 'OUT_OF_RANGE'],
    ['an id that is none', create({ ...OK, productId: 'x' }), 400, 0, '"argument":"input.productId"'],
    ['no such product', create({ ...OK, productId: newId() }), 200, 0, 'NOT_FOUND'],
    ['an error below the payload', create(OK, { reviews: -1 }), 400, 0, '"path":["createReview","product","reviews"]'],
    ['a variable of another type', create({ rating: 'five' }), 400, 1, 'BAD_USER_INPUT'],
    ['a variable that is missing', () => ({ query: CREATE, variables: {} }), 400, 1, 'BAD_USER_INPUT'],
    ['too large an answer', create({ rating: 5, body: 'x'.repeat(4_000) }, { withBody: true }), 400, 0, 'TOO_LARGE'],
    [
      'too high a cost',
      ({ product }) => ({
        query: `mutation ($input: CreateReviewInput!) {
          ${['a', 'b', 'c'].map((key) => `${key}: createReview(input: $input) { ratingVersion }`).join(' ')}
        }`,
        variables: { input: { ...OK, productId: product } },
      }),
      400,
      1,
      'QUERY_TOO_COMPLEX',
    ],
    ["somebody else's", ({ review }) => ({ query: DELETE, variables: { id: review } }), 403, 0, 'FORBIDDEN'],
    [
      'two, of which the first fails',
      ({ product }) => ({
        query: TWICE,
        variables: { first: { ...OK, productId: 'x' }, second: { ...OK, productId: product } },
      }),
      400,
      0,
      '"path":["first"]',
    ],
    [
      'two, of which the second fails',
      ({ product }) => ({
        query: TWICE,
        variables: { first: { ...OK, productId: product }, second: { ...OK, productId: 'x' } },
      }),
      400,
      0,
      '"path":["second"]',
    ],
  ];

  test.each(CASES)('%s', async (_name, ask, status, knownCalls, shows) => {
    const headers = { authorization: `Bearer ${await newUserToken('Ann')}` };
    // Refused for its caller, so that nothing is done yet.
    await learn({ body: ask({ product: newId(), review: newId() }) });
    let known: unknown;
    expect(await givenToApollo(async () => (known = await outcomeOf(knowing, ask, headers)))).toBe(knownCalls);
    const others = await outcomeOf(unknowing, ask, headers);
    expect(others).toMatchObject({ status, body: expect.stringContaining(shows) });
    expect(known).toEqual(others);
  });

  test('without a token, by GET', async () => {
    const body = create(OK)({ product: newId(), review: '' });
    await learn({ body });
    expect(await answerOf(knowing, { body })).toMatchObject({ status: 401 });
    const get = { method: 'GET', path: `/graphql?query=${encodeURIComponent(body.query)}` };
    const acceptable = { ...get, headers: { accept: 'application/json' } };
    for (const request of [{ body }, get, acceptable]) {
      expect(await answerOf(knowing, request)).toEqual(await answerOf(unknowing, request));
    }
  });

  test('a fault is masked and logged with the id of the request', async () => {
    await learn({ body: create(OK)({ product: newId(), review: '' }) });
    const fault = jest.spyOn(ReviewCommands.prototype, 'create').mockRejectedValue(new Error('a secret'));
    try {
      const headers = { authorization: `Bearer ${await newUserToken('Ann')}`, 'x-request-id': 'faulty' };
      const [known, others] = [
        await outcomeOf(knowing, create(OK), headers),
        await outcomeOf(unknowing, create(OK), headers),
      ];
      expect(others).toMatchObject({ status: 500, body: expect.not.stringContaining('secret') });
      expect(known).toEqual(others);
      for (const { log } of [knowing, unknowing]) {
        expect(log.filter(({ requestId, level }) => requestId === 'faulty' && level === 'error')).toHaveLength(1);
      }
    } finally {
      fault.mockRestore();
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
