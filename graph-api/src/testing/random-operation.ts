import type { GeneratorValue } from 'fast-check';
import fc from 'fast-check';
import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

export interface RandomOperation {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const MAX_DEPTH = 7;
const CONDITIONS = [
  '',
  '',
  '',
  ' @skip(if: $s)',
  ' @include(if: $s)',
  ' @skip(if: $t) @include(if: $s)',
  ' @include(if: true)',
];
/** Fields with arguments, each under a key of its own: what has one key must be mergeable. */
const WITH_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  products: [
    'products',
    'two: products(first: 2)',
    'some: products(first: $n)',
    'last: products(last: 2)',
    'found: products(filter: { search: "lamp" }, orderBy: { field: NAME })',
    'dear: products(orderBy: { field: PRICE })',
  ],
  reviews: [
    'reviews',
    'one: reviews(first: 1)',
    'few: reviews(last: $n)',
    'none: reviews(first: 0)',
    'best: reviews(filter: { ratings: [2, 3] }, orderBy: { field: RATING })',
  ],
  product: [
    'product(id: $id)',
    'recent: product(id: $id, minRatingVersion: $v)',
    'wrong: product(id: $id, minRatingVersion: -1)',
    'unknown: product(id: "00000000-0000-7000-8000-000000000000")',
    'bad: product(id: "x")',
  ],
  node: ['node(id: $id)', 'reviewNode: node(id: $r)', 'badNode: node(id: "x")'],
  nodes: [
    'nodes(ids: [$id, $r, "00000000-0000-7000-8000-000000000000"])',
    'oneNode: nodes(ids: $id)',
    'noNodes: nodes(ids: [])',
  ],
  productsByExternalIds: ['productsByExternalIds(externalIds: ["read-ahead", "none"])'],
  productByExternalId: ['productByExternalId(externalId: "none")'],
  review: ['review(id: $r)'],
};

/**
 * A query that validates and that no one would write: merged fields, fragments in fragments, conditions anywhere, some values
 * that resolvers refuse.
 */
export function randomOperation(
  schema: GraphQLSchema,
  ids: { readonly product: string; readonly review: string },
  g: GeneratorValue,
): RandomOperation {
  const product = schema.getType('Product') as GraphQLObjectType;
  const pick = <T>(values: readonly T[]): T => values[g(fc.nat, { max: values.length - 1 })]!;
  const selections = (type: GraphQLObjectType, depth: number, fragments: readonly string[]): string => {
    const count = g(fc.integer, { min: 1, max: 4 });
    return `{ ${Array.from({ length: count }, () => selection(type, depth, fragments)).join(' ')} }`;
  };
  const selection = (type: GraphQLObjectType, depth: number, fragments: readonly string[]): string => {
    const condition = pick(CONDITIONS);
    const kind = g(fc.integer, { min: 0, max: 9 });
    if (kind === 0) return `__typename${condition}`;
    if (kind === 1) return `... on ${type.name}${condition} ${selections(type, depth, fragments)}`;
    if (kind === 2) return `...${condition} ${selections(type, depth, fragments)}`;
    if (kind === 3 && type.name === 'Product' && fragments.length > 0) return `...${pick(fragments)}${condition}`;
    if (kind === 4 && type.getInterfaces().length > 0) return `... on Node${condition} { id __typename }`;
    const fields = Object.values(type.getFields()).filter(
      ({ type: child }) => depth < MAX_DEPTH || !isCompositeType(getNamedType(child)),
    );
    if (fields.length === 0) return '__typename';
    const field = pick(fields);
    const child = getNamedType(field.type);
    const isRoot = type.name === 'Query';
    const written = isRoot || field.name !== 'product' ? pick(WITH_ARGUMENTS[field.name] ?? [field.name]) : field.name;
    // Of its types always the same one: fields of others would have other shapes under the same name.
    if (isInterfaceType(child)) {
      return `${written}${condition} { __typename id ... on Product ${selections(product, depth + 1, fragments)} }`;
    }
    return `${written}${condition}${isObjectType(child) ? ` ${selections(child, depth + 1, fragments)}` : ''}`;
  };
  const text = [
    'query ($n: Int = 2, $v: Int, $s: Boolean = true, $t: Boolean!, $id: ID!, $r: ID!)',
    selections(schema.getQueryType()!, 1, ['Outer', 'Inner']),
    `fragment Outer on Product ${selections(product, MAX_DEPTH - 2, ['Inner'])}`,
    `fragment Inner on Product ${selections(product, MAX_DEPTH - 1, [])}`,
    // All variables and fragments are used.
  ].join('\n');
  const used =
    'used: product(id: $id) @skip(if: $t) { id ...Outer ...Inner } usedReview: review(id: $r) @include(if: $s) { id }';
  const variables = {
    t: g(fc.boolean),
    id: ids.product,
    r: ids.review,
    ...pick([{}, { n: 1 }, { n: 101 }, { n: null }]),
    ...pick([{}, { s: false }, { s: null }]),
    ...pick([{}, { v: 0 }, { v: -1 }]),
  };
  return {
    text: text.replace(
      '{',
      `{ ${used} usedPage: products(first: $n) { totalCount } usedVersion: product(id: $id, minRatingVersion: $v) { id }`,
    ),
    variables,
  };
}
