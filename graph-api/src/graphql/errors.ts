import { GraphQLError, type ASTNode } from 'graphql';
import { extensionsOf } from './error-codes.js';

/** A request that is malformed: nothing that a person can correct in a form. `argument` is the path in the arguments. */
export function badUserInput(message: string, argument: string): GraphQLError {
  return new GraphQLError(message, { extensions: { ...extensionsOf('BAD_USER_INPUT'), argument } });
}

export function unauthenticated(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: extensionsOf('UNAUTHENTICATED') });
}

export function forbidden(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: extensionsOf('FORBIDDEN') });
}

export function serviceUnavailable(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: extensionsOf('SERVICE_UNAVAILABLE') });
}

/** Something that was there when the request began is gone: the caller may read again. */
export function notFound(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: extensionsOf('NOT_FOUND') });
}

/** What bounds an operation. */
export type OperationLimit =
  'bytes' | 'tokens' | 'literals' | 'depth' | 'rootFields' | 'fields' | 'comparisons' | 'cost';

/**
 * An operation that asks for too much.
 * @param message what is too much, where, and what to do
 * @param details further extensions
 * @param node where it stands in the query text
 */
export function queryTooComplex(
  limit: OperationLimit,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
  node?: ASTNode,
): GraphQLError {
  return new GraphQLError(message, {
    nodes: node ?? null,
    extensions: { ...extensionsOf('QUERY_TOO_COMPLEX'), limit, ...details },
  });
}

/**
 * A caller who asked for more than one may in a minute.
 * @param kind what there was too much of: `reads`, by their cost, or `writes`, by their number
 */
export function rateLimited(kind: 'reads' | 'writes', perMinute: number, retryAfterSeconds: number): GraphQLError {
  const most = `${perMinute.toLocaleString('en')} ${kind === 'reads' ? 'of cost' : 'mutations'} a minute`;
  return new GraphQLError(`This is more than ${most}: try again in ${retryAfterSeconds} s.`, {
    extensions: { ...extensionsOf('RATE_LIMITED'), limit: kind, retryAfter: retryAfterSeconds },
  });
}

export function isRateLimited(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions['code'] === 'RATE_LIMITED';
}
