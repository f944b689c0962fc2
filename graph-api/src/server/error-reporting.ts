import type { GraphQLResponse } from '@apollo/server';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { GraphQLFormattedError } from 'graphql';
import { RETRY_AFTER_SECONDS } from './error-body.js';
import { causeOf } from './error-formatter.js';
import { isJsonLargerThan } from './limits/response-size.js';

/** The HTTP status where a fault of the service took all that was asked for; the first that occurs counts. */
const STATUS_OF_FAULT: ReadonlyArray<readonly [code: string, status: number]> = [
  ['SERVICE_UNAVAILABLE', 503],
  ['INTERNAL_SERVER_ERROR', 500],
];
/** The HTTP status where an error of the caller left no data at all. */
const STATUS_OF_REFUSAL: typeof STATUS_OF_FAULT = [
  ['UNAUTHENTICATED', 401],
  ['FORBIDDEN', 403],
  ['BAD_USER_INPUT', 400],
];

/**
 * Finishes an answer: bounds its size, logs what is behind its errors, gives each error the request's id, and sets the HTTP
 * status where no data is left. An answer with a part of its data is 200, whatever the errors.
 */
export function finishAnswer(
  { body, http }: GraphQLResponse,
  requestId: string,
  logger: Logger,
  maxResponseBytes: number,
): void {
  if (body.kind !== 'single') return;
  if (isJsonLargerThan(body.singleResult, maxResponseBytes)) {
    body.singleResult = { errors: [tooLarge(maxResponseBytes)] };
    http.status = 400;
  }
  const { errors = [], data } = body.singleResult;
  for (const error of errors) {
    logCause(logger, error, requestId);
    error.extensions!['requestId'] = requestId;
  }
  const status = errors.length === 0 ? undefined : statusOf(errors, data);
  if (status !== undefined) http.status = status;
  if (http.status === 503) http.headers.set('retry-after', String(RETRY_AFTER_SECONDS));
}

function statusOf(errors: readonly GraphQLFormattedError[], data: unknown): number | undefined {
  const codes = new Set(errors.map(({ extensions }) => extensions?.['code']));
  const statusIn = (table: typeof STATUS_OF_FAULT): number | undefined => table.find(([code]) => codes.has(code))?.[1];
  const nothingIsLeft = data == null || Object.values(data).every((value) => value === null);
  return (
    (nothingIsLeft ? statusIn(STATUS_OF_FAULT) : undefined) ?? (data == null ? statusIn(STATUS_OF_REFUSAL) : undefined)
  );
}

function tooLarge(maxBytes: number): GraphQLFormattedError {
  return {
    message: `The answer is larger than ${maxBytes} bytes: ask for smaller pages, or for fewer long texts.`,
    extensions: { code: 'RESPONSE_TOO_LARGE' },
  };
}

function logCause(logger: Logger, error: GraphQLFormattedError, requestId: string): void {
  const cause = causeOf(error);
  if (cause === undefined) return;
  const { err, isUnavailable } = cause;
  if (isUnavailable) logger.warn({ err, requestId }, 'PostgreSQL did not answer a request');
  else logger.error({ err, requestId, path: error.path }, 'a request failed');
}
