import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import fc from 'fast-check';
import { getIntrospectionQuery } from 'graphql';
import { jest } from '@jest/globals';
import { query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { randomOperation } from '../testing/random-operation.js';
import { buildGraphQLSchema } from './build-schema.js';
import { CompiledExecutor } from './compiled-executor.js';

let database: TestDatabase;
let compiled: TestApp;
let interpreted: TestApp;
let product: string;
let review: string;

beforeAll(async () => {
  database = await createTestDatabase();
  for (let i = 0; i < 5; i += 1) {
    product = await insertProduct(database.pool);
    for (let stars = 1; stars <= 3; stars += 1) review = await insertReview(database.pool, product, stars);
  }
  compiled = await startTestApp({ ...database.env, GRAPHQL_COMPILE_AFTER: '1' });
  interpreted = await startTestApp({ ...database.env, GRAPHQL_COMPILE_AFTER: '0' });
});
afterAll(async () => {
  await compiled?.stop();
  await interpreted?.stop();
  await database.drop();
});

/** The status and the bytes of an answer, whose request ids are its own. */
async function answerOf(app: TestApp, text: string, variables: Record<string, unknown>): Promise<string> {
  const answer = await query(app.origin, text, variables);
  return `${answer.status} ${answer.text.replace(/"requestId":"[^"]+"/g, '"requestId":"…"')}`;
}

async function expectSameAnswers(
  text: string,
  variables: Record<string, unknown> = {},
  compared: (answer: string) => string = (answer) => answer,
): Promise<string> {
  const [a, b] = [await answerOf(compiled, text, variables), await answerOf(interpreted, text, variables)];
  expect(compared(a)).toBe(compared(b));
  return a;
}

const PAGE = 'products(first: 3) { nodes { id name averageRating reviewCount } }';

const OPERATIONS: ReadonlyArray<[name: string, text: string, variables?: Record<string, unknown>]> = [
  ['a page', `{ ${PAGE} }`],
  [
    '__typename everywhere',
    '{ __typename products { __typename edges { __typename node { __typename id } } pageInfo { __typename } } }',
  ],
  [
    'aliases',
    '{ a: products(first: 1) { b: nodes { c: id d: name e: rating { f: average } } } g: products(first: 2) { nodes { id } } }',
  ],
  [
    'fragments in fragments',
    'query { products { ...P } } fragment P on ProductConnection { nodes { ...N } } fragment N on Product { id ...M } fragment M on Product { name }',
  ],
  ['inline fragments', '{ products { nodes { ... on Product { id } ... on Node { id } ... { name } } } }'],
  [
    'an interface',
    '{ products(first: 1) { nodes { ...N } } } fragment N on Node { __typename id ... on Product { name } ... on Review { rating } }',
  ],
  [
    'the same field twice',
    '{ products(first: 1) { nodes { id } nodes { name id } } products(first: 1) { nodes { reviewCount } } }',
  ],
  [
    'the same field skipped in one place',
    'query ($s: Boolean!) { products(first: 1) { nodes { id @skip(if: $s) name } nodes { id } } }',
    { s: true },
  ],
  [
    'a skipped parent that is included elsewhere',
    'query ($s: Boolean!) { products(first: 1) { nodes @skip(if: $s) { id } nodes { name } } }',
    { s: true },
  ],
  [
    'a skipped fragment beside the same fields',
    'query ($s: Boolean!) { products(first: 1) { ...F @skip(if: $s) nodes { id } } } fragment F on ProductConnection { nodes { id name } }',
    { s: true },
  ],
  [
    'a skipped inline fragment',
    'query ($s: Boolean!) { products(first: 1) { ... @include(if: $s) { nodes { name } } nodes { id } } }',
    { s: false },
  ],
  [
    'skip and include at once',
    'query ($a: Boolean!, $b: Boolean!) { products(first: 1) { nodes { id name @skip(if: $a) @include(if: $b) } } }',
    { a: false, b: true },
  ],
  ['everything skipped', '{ products(first: 1) @skip(if: true) { nodes { id } } }'],
  ['a directive without its variable', 'query ($s: Boolean!) { products(first: 1) { nodes { id @skip(if: $s) } } }'],
  [
    'a directive with the default of its variable',
    'query ($s: Boolean = true) { products(first: 1) { nodes { id @skip(if: $s) name } } }',
  ],
  [
    'a directive whose variable is null',
    'query ($s: Boolean = true) { products(first: 1) { nodes { id @skip(if: $s) name } } }',
    { s: null },
  ],
  ['an argument whose variable is null', 'query ($id: ID = "x") { product(id: $id) { id } }', { id: null }],
  ['variables with defaults', 'query ($n: Int = 2) { products(first: $n) { nodes { id } } }'],
  ['a default overridden', 'query ($n: Int = 2) { products(first: $n) { nodes { id } } }', { n: 1 }],
  ['a default overridden by null', 'query ($n: Int = 2) { products(first: $n) { nodes { id } } }', { n: null }],
  ['a variable that is absent', 'query ($n: Int) { products(first: $n) { nodes { id } } }'],
  [
    'a variable that the query does not have',
    'query ($n: Int) { products(first: $n) { nodes { id } } }',
    { n: 1, x: 1 },
  ],
  ['a number for an id', 'query ($id: ID!) { product(id: $id) { id } }', { id: 7 }],
  ['a float that is an integer', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: 2.0 }],
  ['a float', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: 2.5 }],
  ['too large an integer', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: 2 ** 31 }],
  ['a text for an integer', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: '2' }],
  ['a list for an integer', 'query ($n: Int) { products(first: $n) { nodes { id } } }', { n: [2] }],
  ['an object for a text', 'query ($x: String!) { productByExternalId(externalId: $x) { id } }', { x: {} }],
  ['a boolean for a text', 'query ($x: String!) { productByExternalId(externalId: $x) { id } }', { x: true }],
  ['null for a variable that must not be', 'query ($id: ID!) { product(id: $id) { id } }', { id: null }],
  ['no value for a variable that must have one', 'query ($id: ID!) { product(id: $id) { id } }'],
  [
    'many bad variables',
    'query ($a: Int, $b: Int, $c: Int, $d: Int, $e: Int, $f: Int) { a: products(first: $a) { nodes { id } } b: products(first: $b) { nodes { id } } c: products(first: $c) { nodes { id } } d: products(first: $d) { nodes { id } } e: products(first: $e) { nodes { id } } f: products(first: $f) { nodes { id } } }',
    { a: 'x', b: 'x', c: 'x', d: 'x', e: 'x', f: 'x' },
  ],
  ['an error at a nullable field', '{ product(id: "nonsense") { id } ok: products(first: 1) { nodes { id } } }'],
  ['an error at a field that must not be null', '{ products(first: 101) { nodes { id } } }'],
  ['errors in each item of a list', '{ products(first: 3) { nodes { id reviews(first: -1) { totalCount } } } }'],
  [
    'errors in each item of a nested list',
    '{ products(first: 3) { nodes { id reviews(first: 1, last: 1) { nodes { id } } } } }',
  ],
  [
    'an error behind a nullable parent',
    '{ a: product(id: "00000000-0000-7000-8000-000000000000") { reviews(first: -1) { totalCount } } }',
  ],
  ['introspection', getIntrospectionQuery()],
  ['a type by name', '{ __type(name: "Product") { name fields { name type { kind name ofType { name } } } } }'],
  ['introspection beside data', `{ __schema { queryType { name } } ${PAGE} }`],
  [
    'cursors and bounds',
    '{ products(first: 2) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }',
  ],
  [
    'filters and orders as variables',
    'query ($f: ProductFilter, $o: ProductOrder, $r: ReviewFilter) { products(filter: $f, orderBy: $o) { totalCount nodes { name reviews(filter: $r, orderBy: { field: RATING }) { totalCount nodes { rating } } } pageInfo { endCursor } } }',
    { f: { search: 'lamp', currencyCode: 'EUR', price: { lte: '10' } }, o: { field: 'PRICE' }, r: { ratings: [1, 2] } },
  ],
  ['an order without its currency', '{ products(orderBy: { field: PRICE }) { nodes { id } } }'],
  ['a search that is too long', `{ products(filter: { search: "${'x'.repeat(201)}" }) { nodes { id } } }`],
  ['from the end', '{ products(last: 2) { edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }'],
  [
    'an empty page',
    '{ products(first: 0) { nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
  ],
  [
    'scalars',
    '{ products(first: 2) { nodes { price { amount currencyCode } createdAt updatedAt version externalId description } } }',
  ],
  [
    'three levels',
    '{ products(first: 2) { nodes { reviews(first: 2) { totalCount nodes { rating title body status author { displayName } product { id averageRating } } } } } }',
  ],
  ['two operations, none named', 'query A { products { nodes { id } } } query B { products { nodes { name } } }'],
];

// All three arguments are given: Jest takes a missing one for a callback.
test.each(OPERATIONS.map(([name, text, variables = {}]) => [name, text, variables] as const))(
  '%s: the same bytes from both executors',
  async (_name, text, variables) => {
    await expectSameAnswers(text, variables);
    // Compiled, it is answered from what is kept.
    await expectSameAnswers(text, variables);
  },
);

test('one product and one review, by their ids', async () => {
  const text =
    'query ($p: ID!, $r: ID!) { product(id: $p) { id name rating { distribution { stars count } version } } review(id: $r) { rating product { name } } }';
  expect(await expectSameAnswers(text, { p: product, r: review })).toContain('"distribution":[{"stars":5');
});

const FIELDS = 'id averageRating reviewCount';
test.each([
  ['of a page', `{ products(first: 3) { nodes { ${FIELDS} } edges { node { ${FIELDS} } } } }`],
  ['by its id', `query ($p: ID!) { product(id: $p) { ${FIELDS} } }`],
  ['by its externalId', `{ productByExternalId(externalId: "read-ahead") { ${FIELDS} } }`],
  ['of a review', `query ($r: ID!) { review(id: $r) { product { ${FIELDS} } } }`],
  ['by a list of externalIds', `{ productsByExternalIds(externalIds: ["x", "read-ahead"]) { ${FIELDS} } }`],
  ['as a node', `query ($p: ID!) { node(id: $p) { ... on Product { ${FIELDS} } } }`],
  ['among nodes', `query ($p: ID!, $r: ID!) { nodes(ids: [$r, $p]) { __typename ... on Product { ${FIELDS} } } }`],
  ['of a version', `query ($p: ID!) { product(id: $p, minRatingVersion: 1) { ${FIELDS} rating { count } } }`],
])('the ratings of a product %s are answered by the compiled query itself', async (_name, text) => {
  await database.pool.query(`UPDATE products SET external_id = 'read-ahead' WHERE id = $1`, [product]);
  const execute = jest.spyOn(CompiledExecutor.prototype, 'execute');
  try {
    expect(await expectSameAnswers(text, { p: product, r: review })).toContain('"averageRating":2,"reviewCount":3');
    // The second application leaves all to graphql-js.
    const [answer] = await Promise.all(execute.mock.results.map(({ value }) => value as Promise<unknown>));
    expect(answer).not.toBeNull();
  } finally {
    execute.mockRestore();
  }
});

test('operations of one document are compiled apart', async () => {
  const document = 'query A { products(first: 1) { nodes { id } } } query B { products(first: 1) { nodes { name } } }';
  for (const [operationName, field] of [
    ['A', 'id'],
    ['B', 'name'],
    ['A', 'id'],
  ] as const) {
    const response = await fetch(`${compiled.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: document, operationName }),
    });
    const { data } = (await response.json()) as { data: { products: { nodes: object[] } } };
    expect(Object.keys(data.products.nodes[0]!)).toEqual([field]);
  }
});

/**
 * Where an error leaves no data, graphql-js answers at once, with the errors that came before: which of several these are
 * depends on which read was answered first, with either executor.
 */
function withoutLateErrors(answer: string): string {
  return answer.endsWith('"data":null}') ? `${answer.slice(0, 4)} no data` : answer;
}

test('random operations: the same bytes from both executors', async () => {
  const schema = buildGraphQLSchema();
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      const { text, variables } = randomOperation(schema, { product, review }, g);
      await expectSameAnswers(text, variables, withoutLateErrors);
      // Known by now.
      await expectSameAnswers(text, variables, withoutLateErrors);
    }),
    { numRuns: 150 },
  );
}, 180_000);
