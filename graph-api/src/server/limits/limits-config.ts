import { configSubject, integer, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

/** What one request may cost. */
export const LIMITS = configSubject('Limits of a request', {
  maxDepth: integer('GRAPHQL_MAX_DEPTH', { default: 12, min: 1, meaning: 'Most nested levels of fields.' }),
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
  maxTokens: integer('GRAPHQL_MAX_TOKENS', { default: 4_000, min: 10, meaning: 'Most tokens of the query text.' }),
  maxSelections: integer('GRAPHQL_MAX_SELECTIONS', {
    default: 2_000,
    min: 10,
    meaning: 'Most fields, fragments and directives once all fragments are put in their places.',
  }),
  maxComparisons: integer('GRAPHQL_MAX_COMPARISONS', {
    default: 8_000,
    min: 10,
    meaning:
      'Most pairs of fields or fragments that validation compares, to see whether they can be merged. It grows with the square of how often the same field is asked for.',
  }),
  maxCost: integer('GRAPHQL_MAX_COST', {
    default: 50_000,
    min: 100,
    meaning: 'Most that an operation may cost, by its fields and the sizes of its lists: see "Cost" in docs/api.md.',
  }),
  maxResponseBytes: integer('GRAPHQL_MAX_RESPONSE_BYTES', {
    default: 5 * 1024 * 1024,
    min: 1_024,
    meaning: 'Largest answer, in bytes; a larger one becomes an error.',
  }),
  operationTimeoutMs: integer('GRAPHQL_OPERATION_TIMEOUT_MS', {
    default: 20_000,
    min: 100,
    max: 600_000,
    meaning: 'Longest time of an operation; then the answer is 503, and no further statement begins.',
  }),
  sendTimeoutMs: integer('GRAPHQL_SEND_TIMEOUT_MS', {
    default: 30_000,
    min: 100,
    max: 600_000,
    meaning: 'Time in which a client must read its answer; then the connection is cut.',
  }),
  maxConcurrentRequests: integer('GRAPHQL_MAX_CONCURRENT_REQUESTS', {
    default: 256,
    min: 1,
    meaning: 'Most requests in work in one process; more are answered with 503.',
  }),
  maxEventLoopDelayMs: integer('GRAPHQL_MAX_EVENT_LOOP_DELAY_MS', {
    default: 1_000,
    max: 60_000,
    meaning: 'While timers of the process are later than this, requests are answered with 503; 0 turns it off.',
  }),
  maxBodyBytes: integer('GRAPHQL_MAX_BODY_BYTES', {
    default: 256 * 1024,
    min: 1_024,
    meaning: 'Largest body of a request, in bytes.',
  }),
});

export type Limits = ConfigOf<typeof LIMITS>;
