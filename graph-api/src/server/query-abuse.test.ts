import { dataOf, query, send, type Answer } from '../testing/graphql.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';

const PRODUCTION = {
  NODE_ENV: 'production',
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'ratings',
};

let database: TestDatabase;
let app: TestApp;
let production: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  await insertProduct(database.pool);
  app = await startTestApp(database.env);
  production = await startTestApp({ ...database.env, ...PRODUCTION });
});
afterAll(async () => {
  await app?.stop();
  await production?.stop();
  await database.drop();
});

function expectRefusal(answer: Answer, status: number, code: string): void {
  expect([answer.status, [...new Set(answer.errors.map(({ extensions }) => extensions.code))]]).toEqual([
    status,
    [code],
  ]);
  expect(answer.data).toBeNull();
  for (const { message } of answer.errors) expect(message.length).toBeLessThanOrEqual(301);
  expect(answer.text).not.toMatch(/node_modules|\.js:|stacktrace|fastify|apollo(?!-require-preflight)/i);
}

const post = (body: string, headers: Record<string, string> = {}) =>
  send(`${app.origin}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

const nested = (levels: number): string =>
  levels === 0 ? 'id' : `reviews(first: 1) { nodes { product { ${nested(levels - 1)} } } }`;
const repeat = (n: number, part: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => part(i)).join(' ');

describe('operations that cost too much are refused before they run', () => {
  test.each<[string, string, string]>([
    ['depth', `{ products { nodes { ${nested(5)} } } }`, 'depth'],
    ['10,000 aliases of a cheap field', `{ ${repeat(10_000, (i) => `a${i}: __typename`)} }`, 'bytes'],
    ['many short aliases of a cheap field', `{ ${repeat(2_900, (i) => `a${i.toString(36)}:__typename`)} }`, 'bytes'],
    [
      'aliases in fragments that are used many times',
      `{ ${repeat(20, (i) => `p${i}: product(id: "x") { ...A }`)} } fragment A on Product { ${repeat(100, (i) => `a${i}: id`)} }`,
      'fields',
    ],
    [
      'aliases of a leaf in a large list',
      `{ products(first: 100) { nodes { reviews(first: 100) { nodes { ${repeat(10, (i) => `a${i}: id`)} } } } } }`,
      'cost',
    ],
    [
      'a list of a hundred aliases',
      `{ ${repeat(100, (i) => `a${i}: products(first: 100) { nodes { id name version createdAt } }`)} }`,
      'cost',
    ],
    [
      'aliases at the top level, through fragments',
      `{ ...A ...B } fragment A on Query { ${repeat(60, (i) => `a${i}: __typename`)} } fragment B on Query { ${repeat(41, (i) => `b${i}: __typename`)} }`,
      'rootFields',
    ],
    [
      'a hundred mutations',
      `mutation { ${repeat(100, (i) => `a${i}: deleteReview(input: { id: "x" }) { ratingVersion }`)} }`,
      'cost',
    ],
    [
      'directives',
      `{ ...A ...A } fragment A on Query { __typename ${repeat(1_000, () => '@skip(if: false)')} }`,
      'tokens',
    ],
    [
      'exponential fragments',
      `{ ...F0 } ${repeat(30, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F30 on Query { __typename }`,
      'fields',
    ],
    [
      'a million objects',
      '{ products(first: 100) { nodes { reviews(first: 100) { nodes { product { reviews(first: 100) { nodes { id } } } } } } } }',
      'cost',
    ],
    [
      'a million objects through fragments and edges',
      `{ products(last: 100) { edges { node { ...P } } } }
       fragment P on Product { reviews(first: 100) { edges { node { ... on Review { product { reviews(last: 100) { nodes { id } } } } } } } }`,
      'cost',
    ],
    ['tokens', `{ ${'__typename '.repeat(2_001)} }`, 'fields'],
    ['duplicate fields', `{ ${'__typename '.repeat(900)} }`, 'comparisons'],
  ])('%s', async (_name, operation, limit) => {
    const began = performance.now();
    const answer = await query(app.origin, operation, {}, { token: await newUserToken() });
    expectRefusal(answer, 400, 'QUERY_TOO_COMPLEX');
    expect(answer.errors[0]!.extensions['limit']).toBe(limit);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test.each<[string, string]>([
    ['an unknown directive', '{ __typename @nope }'],
    ['circular fragments', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'],
    ['a fragment in itself', '{ ...A } fragment A on Query { __typename ...A }'],
    [
      'a hundred nested introspections',
      `{ __schema { types { ${'fields { type { '.repeat(4)} name ${'} }'.repeat(4)} } } }`,
    ],
  ])('not valid: %s', async (_name, operation) => {
    expectRefusal(await query(app.origin, operation), 400, 'GRAPHQL_VALIDATION_FAILED');
  });

  test('a million characters', async () => {
    expectRefusal(await query(app.origin, `{ __typename } #${'x'.repeat(1_000_000)}`), 413, 'BAD_REQUEST');
    expectRefusal(await query(app.origin, `{ __typename } #${'x'.repeat(100_000)}`), 400, 'QUERY_TOO_COMPLEX');
  });

  test('the sizes of pages count also where they are variables', async () => {
    const operation = (defaults: string) =>
      `query ($n: Int${defaults}) { products(first: $n) { nodes { reviews(first: $n) { nodes { product { reviews(first: $n) { nodes { id } } } } } } } }`;
    expectRefusal(await query(app.origin, operation(''), { n: 100 }), 400, 'QUERY_TOO_COMPLEX');
    expectRefusal(await query(app.origin, operation(' = 100')), 400, 'QUERY_TOO_COMPLEX');
    dataOf(await query(app.origin, operation(''), { n: 10 }));
    // Once it is known as well.
    dataOf(await query(app.origin, operation(''), { n: 10 }));
    expectRefusal(await query(app.origin, operation(''), { n: 100 }), 400, 'QUERY_TOO_COMPLEX');
  });

  test("a shop's page of its own: 100 aliases", async () => {
    const page = repeat(
      100,
      (i) => `p${i}: productByExternalId(externalId: "SKU-${i}") { id averageRating reviewCount }`,
    );
    expect(Object.keys(dataOf(await query(app.origin, `{ ${page} }`)))).toHaveLength(100);
    const duplicates = (n: number): string => `{ ${'__typename '.repeat(n)} }`;
    expect(dataOf(await query(app.origin, duplicates(100)))).toEqual({ __typename: 'Query' });
  });

  test('what real clients ask for passes', async () => {
    dataOf(
      await query(
        app.origin,
        '{ products(first: 100) { nodes { id averageRating reviews(first: 3) { nodes { author { displayName } product { averageRating } } } } } }',
      ),
    );
    const introspection = await query(
      app.origin,
      '{ __schema { types { name fields { name type { name ofType { name } } } } } }',
    );
    expect(dataOf(introspection).__schema.types.length).toBeGreaterThan(10);
  });

  test('the limits are configuration', async () => {
    const strict = await startTestApp({ ...database.env, GRAPHQL_MAX_DEPTH: '2', GRAPHQL_MAX_COST: '190' });
    try {
      for (const [operation, limit] of [
        ['{ products { nodes { price { amount } } } }', 'depth'],
        ['{ a: products { totalCount } b: products { totalCount } }', 'cost'],
      ] as const) {
        const answer = await query(strict.origin, operation);
        expectRefusal(answer, 400, 'QUERY_TOO_COMPLEX');
        expect(answer.errors[0]!.extensions['limit']).toBe(limit);
      }
    } finally {
      await strict.stop();
    }
  });
});

describe('requests that are no GraphQL over HTTP', () => {
  test.each<[string, string, number, string]>([
    ['malformed JSON', '{"query":', 400, 'BAD_REQUEST'],
    ['no JSON', 'query', 400, 'BAD_REQUEST'],
    ['nothing', '', 400, 'BAD_REQUEST'],
    ['null', 'null', 400, 'BAD_REQUEST'],
    ['a text', '"{ __typename }"', 400, 'BAD_REQUEST'],
    ['an empty object', '{}', 400, 'BAD_REQUEST'],
    ['a query that is no text', '{"query":{"a":1}}', 400, 'BAD_REQUEST'],
    ['variables that are a text', '{"query":"{ __typename }","variables":"{}"}', 400, 'BAD_REQUEST'],
    ['variables that are a list', '{"query":"{ __typename }","variables":[1]}', 400, 'BAD_REQUEST'],
    ['an operationName that is no text', '{"query":"{ __typename }","operationName":5}', 400, 'BAD_REQUEST'],
    ['a batch', '[{"query":"{ __typename }"},{"query":"{ __typename }"}]', 400, 'BAD_REQUEST'],
    ['an empty query', '{"query":""}', 400, 'BAD_REQUEST'],
    ['a query that is no GraphQL', '{"query":"{ products("}', 400, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{"query":"{ nothing }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an unknown operation',
      '{"query":"query A { __typename }","operationName":"B"}',
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'an ambiguous operation',
      '{"query":"query A { __typename } query B { __typename }"}',
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['prototype pollution', '{"__proto__":{"a":1},"query":"{ __typename }"}', 400, 'BAD_REQUEST'],
  ])('%s', async (_name, body, status, code) => {
    expectRefusal(await post(body), status, code);
  });

  test('a body over the limit', async () => {
    expectRefusal(await post(JSON.stringify({ query: '{ __typename }', x: 'x'.repeat(300_000) })), 413, 'BAD_REQUEST');
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'])(
    'the content type %s',
    async (type) => {
      expectRefusal(await post('{"query":"{ __typename }"}', { 'content-type': type }), 415, 'BAD_REQUEST');
    },
  );

  test('a request without a content type', async () => {
    const answer = await send(`${app.origin}/graphql`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from('{"query":"{ __typename }"}')),
    });
    expectRefusal(answer, 415, 'BAD_REQUEST');
  });

  test.each(['utf-16', 'ISO-8859-1', 'utf-7'])('the charset %s', async (charset) => {
    const headers = { 'content-type': `application/json; charset=${charset}` };
    expectRefusal(await post('{"query":"{ __typename }"}', headers), 415, 'BAD_REQUEST');
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"'])(
    '%s is fine',
    async (type) => {
      expect(dataOf(await post('{"query":"{ __typename }"}', { 'content-type': type }))).toEqual({
        __typename: 'Query',
      });
    },
  );

  test('GET: queries with a preflight header only, never mutations', async () => {
    const get = (operation: string, headers: Record<string, string> = {}) =>
      send(`${app.origin}/graphql?query=${encodeURIComponent(operation)}`, { headers });
    const preflight = { 'apollo-require-preflight': 'true', authorization: `Bearer ${await adminToken()}` };
    expectRefusal(await get('{ __typename }'), 400, 'BAD_REQUEST');
    expect(dataOf(await get('{ __typename }', preflight))).toEqual({ __typename: 'Query' });
    const before = (await database.pool.query('SELECT FROM products')).rowCount;
    const mutation =
      'mutation { createProduct(input: { name: "x", price: { amount: "1", currencyCode: "EUR" } }) { product { id } } }';
    expectRefusal(await get(mutation, preflight), 405, 'BAD_REQUEST');
    expect((await database.pool.query('SELECT FROM products')).rowCount).toBe(before);
  });

  test('other methods and paths', async () => {
    expectRefusal(await send(`${app.origin}/graphql`, { method: 'PUT', body: '{}' }), 404, 'NOT_FOUND');
    expectRefusal(await send(`${app.origin}/nothing`, {}), 404, 'NOT_FOUND');
  });

  test('one validation error after the other does not fill the answer', async () => {
    const answer = await query(app.origin, `{ ${repeat(600, (i) => `nothing${i}`)} }`);
    expect(answer.status).toBe(400);
    expect(answer.errors.length).toBeLessThanOrEqual(101);
    expect(answer.text.length).toBeLessThan(50_000);
  });
});

describe('in production', () => {
  // A pattern that takes quadratic time on the error's message would take seconds.
  const SUGGESTIONS = ' Did you mean '.repeat(200_000 / 14);
  const ARGUMENTS = ' at "a.b'.repeat(200_000 / 8);
  test.each<[string, string, Record<string, unknown>]>([
    ['a literal', `{ products(first: "${SUGGESTIONS}") { nodes { id } } }`, {}],
    ['a name', `{ ${'Did_you_mean'.repeat(200_000 / 12)} }`, {}],
    [
      'many literals',
      `{ ${repeat(30, () => `products(first: "${' Did you mean '.repeat(470)}") { nodes { id } }`)} }`,
      {},
    ],
    ['a comment', `{ __typename } #${SUGGESTIONS}`, {}],
    ['white space', `{${' '.repeat(200_000)}`, {}],
    ['a variable', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: SUGGESTIONS }],
    ['a variable with paths', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: ARGUMENTS }],
    [
      'a key of a variable',
      'mutation ($i: CreateReviewInput!) { createReview(input: $i) { ratingVersion } }',
      { i: { [SUGGESTIONS]: 1 } },
    ],
    [
      'many keys of a variable',
      'mutation ($i: CreateReviewInput!) { createReview(input: $i) { ratingVersion } }',
      { i: Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [` Did you mean ${i}`, 'x'.repeat(80)])) },
    ],
    ['a missing variable', `query ($n: ID!) { product(id: $n) { id } }`, { other: SUGGESTIONS }],
  ])('200 KB of the worst take less than 500 ms: %s', async (_name, operation, variables) => {
    const times: number[] = [];
    for (let run = 0; run < 4; run += 1) {
      const began = performance.now();
      const answer = await query(production.origin, operation, variables);
      times.push(performance.now() - began);
      expect(answer.status).toBe(400);
      expect(answer.text.length).toBeLessThan(2_000);
      expect(answer.text).not.toMatch(/did you mean/i);
    }
    // A pattern in quadratic time takes seconds.
    expect(Math.min(...times)).toBeLessThan(500);
  });

  test('no introspection', async () => {
    for (const operation of ['{ __schema { types { name } } }', '{ __type(name: "Product") { name } }']) {
      const answer = await query(production.origin, operation);
      expect(answer.errors[0]!.extensions.code).toMatch(/INTROSPECTION_DISABLED|GRAPHQL_VALIDATION_FAILED/);
      expect(answer.data).toBeNull();
    }
    expect(dataOf(await query(production.origin, '{ __typename }'))).toEqual({ __typename: 'Query' });
  });

  test.each<[string, Record<string, unknown>]>([
    ['{ product(id: "x") { nam } }', {}],
    ['{ produc(id: "x") { name } }', {}],
    ['query ($p: Produc) { __typename }', {}],
    ['{ products(firs: 1) { nodes { id } } }', {}],
    [
      'mutation ($input: CreateReviewInput!) { createReview(input: $input) { ratingVersion } }',
      { input: { productId: 'x', rating: 4, titel: 'x' } },
    ],
    ['mutation { createReview(input: { productId: "x", rating: 4, titel: "x" }) { ratingVersion } }', {}],
  ])('no suggestions: %s', async (operation, variables) => {
    const answer = await query(production.origin, operation, variables);
    expect(answer.errors.length).toBeGreaterThan(0);
    expect(answer.text).not.toMatch(/did you mean/i);
  });

  test('elsewhere suggestions help', async () => {
    expect((await query(app.origin, '{ produc(id: "x") { name } }')).text).toMatch(/Did you mean/);
  });
});
