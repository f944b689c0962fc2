import type { GraphQLResponse } from '@apollo/server';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { GraphQLFormattedError } from 'graphql';
import { ERROR_CODES, extensionsOf, refusesRequest, type ErrorCode } from '../graphql/error-codes.js';
import { retryAfter } from './error-body.js';
import { causeOf } from './error-formatter.js';
import type { OperationCost } from './limits/operation-cost.js';
import { isJsonLargerThan } from './limits/response-size.js';

/** What an answer shows of its request. */
interface AnswerFacts {
  readonly requestId: string;
  /** Undefined where nobody asked for it, or it is not known. */
  readonly reportedCost: OperationCost | undefined;
}

/**
 * Finishes an answer: bounds its size, logs what is behind its errors, gives each error the request's id, and makes it one
 * of two kinds: with data and 200, or without data and with the status of its gravest error. GraphQL over HTTP knows no third.
 */
export function finishAnswer(
  { body, http }: GraphQLResponse,
  { requestId, reportedCost }: AnswerFacts,
  logger: Logger,
  maxResponseBytes: number,
): void {
  if (body.kind !== 'single') return;
  if (isJsonLargerThan(body.singleResult, maxResponseBytes)) {
    body.singleResult = { errors: [tooLarge(maxResponseBytes)] };
  }
  if (reportedCost !== undefined) body.singleResult.extensions = { cost: reportedCost };
  const { errors = [], data } = body.singleResult;
  for (const error of errors) {
    logCause(logger, error, requestId);
    error.extensions!['requestId'] = requestId;
  }
  const code = reasonForNoData(errors, data);
  if (code !== undefined) {
    const { data: _data, ...withoutData } = body.singleResult;
    body.singleResult = withoutData;
    // A mutation by GET: Apollo Server's own status says more than the code's.
    if (http.status !== 405) http.status = ERROR_CODES[code].status;
  }
  const seconds = http.status === undefined ? undefined : retryAfter(http.status, errors[0]?.extensions);
  if (seconds !== undefined) http.headers.set('retry-after', seconds);
}

/**
 * The error that leaves the answer without data: one that refuses the request, or any where no field of the operation has a
 * value, which includes what is refused before it is executed.
 */
function reasonForNoData(errors: readonly GraphQLFormattedError[], data: unknown): ErrorCode | undefined {
  if (errors.length === 0) return undefined;
  const found = new Set(errors.map(({ extensions }) => extensions?.['code']));
  const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => found.has(code));
  const hasData = data != null && Object.values(data).some((value) => value !== null);
  return hasData ? codes.find(refusesRequest) : codes[0];
}

function tooLarge(maxBytes: number): GraphQLFormattedError {
  return {
    message: `The answer is larger than ${maxBytes} bytes: ask for smaller pages, or for fewer long texts.`,
    extensions: extensionsOf('RESPONSE_TOO_LARGE'),
  };
}

function logCause(logger: Logger, error: GraphQLFormattedError, requestId: string): void {
  const cause = causeOf(error);
  if (cause === undefined) return;
  const { err, isUnavailable } = cause;
  if (isUnavailable) logger.warn({ err, requestId }, 'PostgreSQL did not answer a request');
  else logger.error({ err, requestId, path: error.path }, 'a request failed');
}
