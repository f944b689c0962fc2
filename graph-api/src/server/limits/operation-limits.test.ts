import { readFileSync } from 'node:fs';
import { getIntrospectionQuery, parse, specifiedRules, validate, type DocumentNode } from 'graphql';
import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { EXAMPLES } from '../../explorer/examples.js';
import { buildGraphQLSchema } from '../build-schema.js';
import { LIMITS } from './limits-config.js';
import { checkOperations } from './operation-limits.js';
import { QueryGate } from './query-gate.js';

const limits = new EnvReader({}).read(LIMITS);
const schema = buildGraphQLSchema();

const repeat = (n: number, part: string | ((i: number) => string)): string =>
  Array.from({ length: n }, (_, i) => (typeof part === 'string' ? part : part(i))).join(' ');

/** Documents of growing size whose validation could take long: one for each way that is known or was thought of. */
const SHAPES: Readonly<Record<string, (n: number) => string>> = {
  'one field': (n) => `{ ${repeat(n, 'products { nodes { id } }')} }`,
  'one deep field': (n) => `{ ${repeat(n, 'products { nodes { reviews { nodes { product { id } } } } }')} }`,
  'one leaf': (n) => `{ products { nodes { ${repeat(n, 'id')} } } }`,
  'other arguments': (n) => `{ ${repeat(n, (i) => `products { nodes { reviews(first: ${i}) { nodes { id } } } }`)} }`,
  'unknown fields': (n) => `{ ${repeat(n, (i) => `productByExternalI${i}`)} }`,
  'unknown types': (n) => `{ ${repeat(n, (i) => `... on CreateReviewPayloa${i} { __typename }`)} }`,
  'unknown long types': (n) => `{ ${repeat(n, (i) => `... on ${'C'.repeat(1_000)}${i} { __typename }`)} }`,
  'unknown variables': (n) => `{ ${repeat(n, (i) => `product(id: $v${i}) { id }`)} }`,
  'unknown arguments': (n) => `{ products(${repeat(n, (i) => `firs${i}: 1`)}) { nodes { id } } }`,
  'unknown enum values': (n) => `{ ${repeat(n, (i) => `products(first: CACH${i}) { nodes { id } }`)} }`,
  'unknown directives': (n) => `{ __typename ${repeat(n, '@aa')} }`,
  'unknown fragments': (n) => `{ ${repeat(n, (i) => `...F${i}`)} }`,
  'unused variables': (n) => `query (${repeat(n, (i) => `$v${i}: CreateReviewInpu`)}) { __typename }`,
  'one argument': (n) => `{ product(${repeat(n, 'id: "x"')}) { id } }`,
  operations: (n) => repeat(n, (i) => `query Q${i} { __typename }`),
  'nameless operations': (n) => repeat(n, '{ __typename }'),
  fragments: (n) => `{ ${repeat(n, (i) => `...F${i}`)} } ${repeat(n, (i) => `fragment F${i} on Query { __typename }`)}`,
  'fragments of unknown fields': (n) =>
    `{ ${repeat(n, (i) => `...F${i}`)} } ${repeat(n, (i) => `fragment F${i} on Query { x${i} }`)}`,
  'fragments in a chain': (n) =>
    `{ ...F0 } ${repeat(n, (i) => `fragment F${i} on Query { ...F${i + 1} }`)} fragment F${n} on Query { __typename }`,
  'fragments that spread all others': (n) =>
    `{ ...F0 } ${repeat(n, (i) => `fragment F${i} on Query { a ${repeat(n - i - 1, (j) => `...F${i + j + 1}`)} }`)}`,
  'fragments in conflict': (n) =>
    `{ products { nodes { ${repeat(n, (i) => `...F${i}`)} } } }
     ${repeat(n, (i) => `fragment F${i} on Product { reviews(first: ${i}) { nodes { id } } }`)}`,
  'unused fragments': (n) => `{ __typename } ${repeat(n, (i) => `fragment F${i} on Query { __typename }`)}`,
  'operations over fragments': (n) =>
    `${repeat(20, (i) => `query Q${i} { ...A }`)} fragment A on Query { ${repeat(n, '__typename @skip(if: $x)')} }`,
  'inline fragments': (n) => `{ ${repeat(n, '... { __typename }')} }`,
  'nested inline fragments': (n) => `{ ${repeat(n, '... on Query {')} __typename ${repeat(n, '}')} }`,
  'inline fragments of another type': (n) => `{ products { nodes { ${repeat(n, '... on Review { id }')} } } }`,
  lists: (n) => `{ product(id: ${'['.repeat(n)}1${']'.repeat(n)}) { id } }`,
  'a long list': (n) => `{ product(id: [${repeat(n, '1')}]) { id } }`,
  objects: (n) => `mutation { createReview(input: ${'{ a: '.repeat(n)} 1 ${'}'.repeat(n)}) { ratingVersion } }`,
  'unknown input fields': (n) =>
    `mutation { createReview(input: { ${repeat(n, (i) => `titl${i}: "1"`)} }) { ratingVersion } }`,
  'deep unknown fields': (n) => `{ ${'a { '.repeat(n)} id ${'}'.repeat(n)} }`,
  introspection: (n) => `{ __schema { types { ${repeat(n, 'fields { type { name } }')} } } }`,
  'deep introspection': (n) => `{ __schema { types { ${'fields { type { '.repeat(n)} name ${'} }'.repeat(n)} } } }`,
  'aliases in conflict': (n) => `{ products { nodes { ${repeat(n, (i) => (i % 2 ? 'a: id' : 'a: name'))} } } }`,
  'many leaves below aliases': (n) =>
    `{ ${repeat(Math.min(n, 30), (i) => `a${i}: products { nodes { ${repeat(Math.ceil(n / 30), 'id name')} } }`)} }`,
  'leaves with selections': (n) => `{ products { nodes { ${repeat(n, 'name { x }')} } } }`,
  'type definitions': (n) => repeat(n, (i) => `type T${i} { a: Int }`),
};

function parsed(text: string): DocumentNode | null {
  try {
    return parse(text, { maxLexicalTokens: limits.maxTokens });
  } catch {
    return null;
  }
}

/** What is too much, as the caller reads it. */
function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const isWithinLimits = (document: DocumentNode): boolean =>
  problemOf(() => checkOperations(document, limits)) === undefined;

/** The largest document of a shape that satisfies a condition. */
function largest(shape: (n: number) => string, holds: (document: DocumentNode) => boolean): DocumentNode | null {
  let found: DocumentNode | null = null;
  for (let n = 1; n <= limits.maxTokens; n = Math.ceil(n * 1.05)) {
    const text = shape(n);
    const document = Buffer.byteLength(text) > limits.maxQueryBytes ? null : parsed(text);
    if (document !== null && holds(document)) found = document;
  }
  return found;
}

/** CPU milliseconds; the best of several runs, since other processes of the machine disturb single ones. */
function cpuMs(work: () => void): number {
  const runs = Array.from({ length: 7 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...runs);
}

/** Refused, since its validation takes some 50 ms. The others are compared with it, whatever the machine. */
const refused = parse(`{ ${repeat(280, 'products { nodes { id } }')} }`);
let refusedMs: number;
beforeAll(() => {
  refusedMs = cpuMs(() => validate(schema, refused, specifiedRules));
});

/** What `work` takes of the time of the refused document. A busy moment may disturb all runs, so it is given several. */
function fractionOfRefused(work: () => void, wanted: number): number {
  let fraction = Infinity;
  for (let moment = 0; moment < 5 && fraction >= wanted; moment += 1) {
    fraction = Math.min(fraction, cpuMs(work) / refusedMs);
  }
  return fraction;
}

test('the document that the others are compared with is refused', () => {
  expect(problemOf(() => checkOperations(refused, limits))).toMatch(/same fields too many times/);
});

test.each(Object.entries(SHAPES))('validation and the limits take a fraction of its time: %s', (_name, shape) => {
  const passing = largest(shape, isWithinLimits);
  if (passing !== null) {
    for (const hideSuggestions of [true, false]) {
      const validation = () => validate(schema, passing, specifiedRules, { maxErrors: 4, hideSuggestions });
      expect(fractionOfRefused(validation, 0.4)).toBeLessThan(0.4);
    }
  }
  const any = largest(shape, () => true);
  expect(any).not.toBeNull();
  expect(fractionOfRefused(() => isWithinLimits(any!), 0.1)).toBeLessThan(0.1);
});

describe('what clients send passes', () => {
  const gate = new QueryGate(limits);
  const operations = ['products', 'reviews']
    .map((name) => readFileSync(`${import.meta.dirname}/../../../../client/src/operations/${name}.graphql`, 'utf8'))
    .join('\n');

  test.each([
    ['all operations of the SDK at once', operations],
    ["GraphiQL's introspection", getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true })],
    ['the examples of the explorer', EXAMPLES.map(({ query }) => query).join('\n')],
    [
      "a page in Relay's way: 40 components, each with a fragment of its own",
      `query Page { products(first: 20) { edges { cursor node { __typename id ${repeat(40, (i) => `...C${i}_product`)} } }
       pageInfo { endCursor hasNextPage } } }
       ${repeat(40, (i) => `fragment C${i}_product on Product { id name price { amount currencyCode } averageRating }`)}`,
    ],
  ])('%s', (_name, text) => {
    expect(() => parse(text, { maxLexicalTokens: limits.maxTokens })).not.toThrow();
    expect(problemOf(() => gate.check(text))).toBeUndefined();
  });
});

test.each([
  ['a hundred fields at the top level', `{ ${repeat(99, (i) => `a${i}: a`)} b { ${repeat(101, (i) => `b${i}: a`)} } }`],
  ['a hundred of each operation', repeat(2, (n) => `query Q${n} { ${repeat(100, (i) => `a${i}: a`)} }`)],
])('%s pass', (_name, text) => {
  expect(problemOf(() => new QueryGate(limits).check(text))).toBeUndefined();
});

test.each<[string, string, RegExp]>([
  ['a long literal', `{ product(id: "${'x'.repeat(1_025)}") { id } }`, /more than 1024 characters: send long values/],
  ['a long name', `{ ${'x'.repeat(1_025)} }`, /more than 1024 characters/],
  ['a long text', `{ __typename } #${'x'.repeat(33_000)}`, /larger than 32768 bytes/],
  ['a cycle', '{ ...A } fragment A on Query { ...A }', /"A" contains itself/],
  ['a cycle that nobody uses', '{ a } fragment A on Q { ...B } fragment B on Q { ...A }', /contains itself/],
  [
    'directives',
    `{ ...A ...A } fragment A on Q { a ${'@a '.repeat(1_000)} }`,
    /more than 2000 fields, fragments and dir/,
  ],
  [
    'fields at the top level',
    `{ ${repeat(101, (i) => `a${i}: a`)} }`,
    /more than 100 fields at its top level, at "a100"/,
  ],
  ['tokens', `{ ${'a '.repeat(4_000)} }`, /more than 4000 tokens/],
])('%s is refused, with what to do', (_name, text, problem) => {
  expect(problemOf(() => new QueryGate(limits).check(text))).toMatch(problem);
});
