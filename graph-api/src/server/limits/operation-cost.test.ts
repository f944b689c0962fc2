import { readFileSync } from 'node:fs';
import {
  buildSchema,
  getIntrospectionQuery,
  getOperationAST,
  Kind,
  parse,
  specifiedRules,
  validate,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { EXAMPLES } from '../../explorer/examples.js';
import { buildGraphQLSchema } from '../build-schema.js';
import { LIMITS } from './limits-config.js';
import { OperationCostLimit } from './operation-cost.js';

const { maxCost } = new EnvReader({}).read(LIMITS);
const schema = buildGraphQLSchema();

type Variables = Record<string, unknown>;

function costOf(text: string, variables: Variables = {}, in_: GraphQLSchema = schema, max = Infinity): number {
  const document = parse(text);
  expect(validate(in_, document, specifiedRules)).toEqual([]);
  return new OperationCostLimit(in_, max).check(document, getOperationAST(document)!, variables).cost.requested;
}

function refusalOf(text: string, max = maxCost, variables: Variables = {}): GraphQLError {
  try {
    costOf(text, variables, schema, max);
  } catch (error) {
    return error as GraphQLError;
  }
  throw new Error('the operation is not refused');
}

describe('the arithmetic', () => {
  test.each<[string, number]>([
    // A field is 1, and so is an object.
    ['{ __typename }', 1],
    ['{ product(id: "x") { id name price { amount } } }', 1 + 1 + 1 + (1 + 1)],
    // A long text is 50.
    ['{ product(id: "x") { description } }', 1 + 50],
    // A list is 50 and what its page holds; 20 where no size is given.
    ['{ products(first: 3) { nodes { id name } } }', 50 + 3 * (1 + 2)],
    ['{ products(last: 3) { edges { cursor node { id } } } }', 50 + 3 * (1 + 1 + 1 + 1)],
    ['{ products { nodes { id } pageInfo { hasNextPage } } }', 50 + 20 * 2 + 1 + 1],
    ['{ products(first: 0) { totalCount } }', 50 + 50],
    // Lists in lists multiply.
    ['{ products(first: 10) { nodes { reviews(first: 5) { nodes { body } } } } }', 50 + 10 * (1 + 50 + 5 * (1 + 50))],
    // A list without an argument for its size counts 5.
    ['{ product(id: "x") { rating { distribution { stars count } } } }', 1 + 1 + 5 * 3],
    // Aliases count each, the same name once.
    ['{ a: product(id: "x") { id } b: product(id: "y") { id } }', 2 * 2],
    ['{ product(id: "x") { id id name } product(id: "x") { name } }', 1 + 2],
    // Fragments count where they are used.
    ['{ ...P ...P product(id: "x") { id } } fragment P on Query { product(id: "x") { id name } }', 1 + 2],
    ['{ a: product(id: "x") { ...P } b: product(id: "x") { ...P } } fragment P on Product { id name }', 2 * (1 + 2)],
    // Conditions that are constants.
    ['{ product(id: "x") { id name @skip(if: true) version @include(if: true) } }', 1 + 2],
    // A mutation is 500.
    ['mutation { deleteReview(input: { id: "x" }) { deletedReviewId userErrors { code } } }', 500 + 1 + 5 * (1 + 1)],
    // Introspection is 1,000, however deep.
    ['{ __type(name: "Product") { name } }', 1_000],
    [getIntrospectionQuery(), 1_000],
  ])('%s', (text, cost) => {
    expect(costOf(text)).toBe(cost);
  });

  test('variables decide of sizes, as they are given, by default, or not at all', () => {
    const text =
      'query ($n: Int, $m: Int = 7) { products(first: $n) { nodes { reviews(last: $m) { nodes { id } } } } }';
    const expected = (n: number, m: number) => 50 + n * (1 + 50 + m * 2);
    expect(costOf(text, { n: 3 })).toBe(expected(3, 7));
    expect(costOf(text, { n: 100, m: 100 })).toBe(expected(100, 100));
    expect(costOf(text)).toBe(expected(20, 7));
    expect(costOf(text, { n: null, m: null })).toBe(expected(20, 20));
    // The resolvers refuse them.
    for (const n of [-1, 'x', [], {}, NaN]) expect(costOf(text, { n })).toBe(expected(20, 7));
    expect(costOf(text, { n: 1_000_000 })).toBe(expected(100, 7));
  });

  test('variables decide of conditions', () => {
    const text = `query ($a: Boolean!, $b: Boolean = true) {
      product(id: "x") { ...P @include(if: $a) id version @skip(if: $b) }
    } fragment P on Product { name description @include(if: $b) }`;
    expect(costOf(text, { a: false })).toBe(2);
    expect(costOf(text, { a: true })).toBe(2 + 1 + 50);
    expect(costOf(text, { a: true, b: false })).toBe(2 + 1 + 1);
    // Without a value it fails; until then all of it counts.
    expect(costOf(text)).toBe(2 + 1 + 50 + 1);
  });

  const LISTS = buildSchema(`
    interface Node { id: ID! }
    type Photo implements Node { id: ID! url: String! large: String! }
    type Item implements Node { id: ID! photos(first: Int): PhotoConnection! }
    type PhotoConnection { nodes: [Photo!]! }
    type Query { nodes(ids: [ID!]!): [Node]! node(id: ID!): Node }
  `);

  test('a list by ids costs by their number', () => {
    const text = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const ids = Array.from({ length: 70 }, String);
    expect(costOf(text, { ids }, LISTS)).toBe(50 + 70 * 2);
    expect(costOf(text, { ids: 'one' }, LISTS)).toBe(50 + 2);
    expect(costOf('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, LISTS)).toBe(50 + 3 * 2);
    expect(costOf('query ($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } }', {}, LISTS)).toBe(50 + 2 * 2);
  });

  test('of an interface the type counts that costs most, whatever the variables', () => {
    const text = `query ($n: Int = 0) {
      node(id: "x") { id ... on Photo { url large } ... on Item { photos(first: $n) { nodes { id } } } }
    }`;
    expect(costOf(text, {}, LISTS)).toBe(1 + 1 + 50);
    expect(costOf(text, { n: 100 }, LISTS)).toBe(1 + 1 + 50 + 100 * 2);
    const many = Array.from({ length: 60 }, (_, i) => `u${i}: url`).join(' ');
    const padded = text.replace('url large', many);
    expect(costOf(padded, {}, LISTS)).toBe(1 + 1 + 60);
    expect(costOf(padded, { n: 100 }, LISTS)).toBe(1 + 1 + 50 + 100 * 2);
  });

  test('what clients ask for is far from the limit', () => {
    const operations = ['products', 'reviews']
      .map((name) => readFileSync(`${import.meta.dirname}/../../../../client/src/operations/${name}.graphql`, 'utf8'))
      .join('\n');
    const texts = [operations, ...EXAMPLES.map(({ query }) => query)];
    for (const text of texts) {
      const document = parse(text);
      for (const definition of document.definitions) {
        if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
        const { cost } = new OperationCostLimit(schema, Infinity).check(document, definition, { first: 100 });
        expect(cost.requested).toBeLessThan(maxCost / 2);
      }
    }
  });
});

test('mutations are counted', () => {
  const remove = (directive = '') => `deleteReview(input: { id: "x" }) ${directive} { ratingVersion }`;
  const text = `mutation M { ${remove()} a: ${remove()} b: ${remove('@skip(if: true)')} } query Q { a: __typename }`;
  const named = parse(text);
  const check = (name: string) =>
    new OperationCostLimit(schema, maxCost).check(named, getOperationAST(named, name)!, {}).mutations;
  expect([check('M'), check('Q')]).toEqual([2, 0]);
});

describe('a refusal says what is too much, and where', () => {
  test('the innermost list that makes most of it', () => {
    const error = refusalOf(
      '{ products(first: 100) { edges { node { name mine: reviews(last: 100) { nodes { product { id reviews(first: 100) { nodes { id } } } } } } } } }',
    );
    expect(error.message).toBe(
      'The operation costs 2,535,350, more than the 50,000 allowed. Of it 2,500,000 is ' +
        '"products.edges.node.mine.nodes.product.reviews": ask for smaller pages, fewer levels or fewer texts.',
    );
    expect(error.extensions).toEqual({
      code: 'QUERY_TOO_COMPLEX',
      limit: 'cost',
      cost: { requested: 2_535_350, limit: 50_000 },
      field: 'products.edges.node.mine.nodes.product.reviews',
    });
    expect(error.locations).toHaveLength(1);
  });

  test('sizes that variables decide', () => {
    const text = 'query ($n: Int) { products(first: $n) { nodes { reviews(first: $n) { nodes { body } } } } }';
    expect(refusalOf(text, 10_000, { n: 50 }).extensions['field']).toBe('products.nodes.reviews');
  });

  test('many small ones', () => {
    const many = Array.from({ length: 60 }, (_, i) => `p${i}: product(id: "x") { description }`).join(' ');
    const error = refusalOf(`{ ${many} }`, 1_000);
    expect(error.message).toBe(
      'The operation costs 3,060, more than the 1,000 allowed. It is spread over many fields: ask for less at once.',
    );
    expect(error.extensions).not.toHaveProperty('field');
  });
});

test('a document is planned once for each combination of its conditions, and computed anew for other sizes', () => {
  const document = parse(
    'query ($n: Int, $a: Boolean!) { products(first: $n) { nodes { id name @include(if: $a) } } }',
  );
  const operation = getOperationAST(document)!;
  let types = 0;
  const counting = new Proxy(schema, {
    get: (target, name) => {
      if (name === 'getRootType') types += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  const limit = new OperationCostLimit(counting, Infinity);
  const cost = (n: number, a: boolean): number => limit.check(document, operation, { n, a }).cost.requested;
  for (let round = 0; round < 3; round += 1) {
    expect([cost(1, true), cost(10, true), cost(1, false)]).toEqual([50 + 3 * 1, 50 + 3 * 10, 50 + 2]);
  }
  expect(types).toBe(2);
});
