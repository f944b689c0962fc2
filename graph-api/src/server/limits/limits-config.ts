import { configSubject, integer, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

/** What one request may cost. */
export const LIMITS = configSubject('Limits of a request', {
  maxDepth: integer('GRAPHQL_MAX_DEPTH', { default: 12, min: 1, meaning: 'Most nested levels of fields.' }),
  maxAliases: integer('GRAPHQL_MAX_ALIASES', { default: 30, meaning: 'Most aliases.' }),
  maxDirectives: integer('GRAPHQL_MAX_DIRECTIVES', { default: 50, meaning: 'Most directives.' }),
  maxQueryBytes: integer('GRAPHQL_MAX_QUERY_BYTES', {
    default: 32 * 1024,
    min: 1_024,
    meaning: 'Largest query text, in bytes; variables are not counted.',
  }),
  maxLiteralLength: integer('GRAPHQL_MAX_LITERAL_LENGTH', {
    default: 1_024,
    min: 36,
    meaning: 'Longest name or value in the query text, in characters. Longer values belong into variables.',
  }),
  maxTokens: integer('GRAPHQL_MAX_TOKENS', { default: 1_000, min: 10, meaning: 'Most tokens of the query text.' }),
  maxOperations: integer('GRAPHQL_MAX_OPERATIONS', {
    default: 20,
    min: 1,
    meaning: 'Most operations in one query text, of which one is executed.',
  }),
  maxSelections: integer('GRAPHQL_MAX_SELECTIONS', {
    default: 2_000,
    min: 10,
    meaning: 'Most fields once all fragments are put in their places.',
  }),
  maxComparisons: integer('GRAPHQL_MAX_COMPARISONS', {
    default: 8_000,
    min: 10,
    meaning:
      'Most pairs of fields or fragments that validation compares, to see whether they can be merged. It grows with the square of how often the same field is asked for.',
  }),
  maxNodes: integer('GRAPHQL_MAX_NODES', {
    default: 20_000,
    min: 100,
    meaning: 'Most objects that the answer could hold, by the sizes of its pages.',
  }),
  maxBodyBytes: integer('GRAPHQL_MAX_BODY_BYTES', {
    default: 256 * 1024,
    min: 1_024,
    meaning: 'Largest body of a request, in bytes.',
  }),
});

export type Limits = ConfigOf<typeof LIMITS>;
