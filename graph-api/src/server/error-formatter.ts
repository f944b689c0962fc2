import { unwrapResolverError } from '@apollo/server/errors';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { isDatabaseUnavailable } from '../database/postgres-errors.js';
import { serviceUnavailable } from '../graphql/errors.js';

const MAX_MESSAGE_LENGTH = 300;

/** Codes whose messages are written for callers: ours, and graphql-js's about the request. */
const PUBLIC_CODES = new Set([
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'SERVICE_UNAVAILABLE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_REQUEST',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/**
 * What a caller sees of an error: a stable code, and a message without stack trace, SQL, library internals or an echo of
 * the whole input. Everything unexpected is logged and masked.
 *
 * `hideSchemaDetails` also keeps suggestions out of errors about variables, where Apollo leaves them.
 */
export function createErrorFormatter(logger: Logger, hideSchemaDetails: boolean) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const cause = unwrapResolverError(error);
    if (!(cause instanceof GraphQLError)) {
      return isDatabaseUnavailable(cause) ? unavailable(formatted, cause, logger) : masked(formatted, cause, logger);
    }
    const code = formatted.extensions?.['code'];
    if (typeof code !== 'string' || !PUBLIC_CODES.has(code)) return masked(formatted, cause, logger);

    const { message: full, argument } = describe(cause, inOurWords(formatted.message));
    const message = hideSchemaDetails ? withoutSuggestion(full) : full;
    const { stacktrace: _stacktrace, http: _http, ...extensions } = formatted.extensions ?? {};
    return {
      ...formatted,
      message: cut(message),
      extensions: { ...extensions, ...(argument === undefined ? {} : { argument }) },
    };
  };
}

const SUGGESTION = ' Did you mean ';

/** graphql-js puts suggestions at the end. */
function withoutSuggestion(message: string): string {
  const start = message.indexOf(SUGGESTION);
  return start < 0 ? message : message.slice(0, start);
}

/**
 * The message as far as anybody reads it. Messages repeat what the caller sent, so every pattern must come after this:
 * one that takes quadratic time would hold the process for seconds.
 */
function cut(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
}

/** What the libraries say about themselves rather than about the request. */
function inOurWords(message: string): string {
  if (message === 'Validation aborted.') return 'The operation is too complex to be checked: ask for each field once.';
  if (message.startsWith('Too many validation errors') || message.startsWith('Too many errors processing variables'))
    return 'There are more errors: correct these first.';
  if (message.startsWith('This operation has been blocked as a potential Cross-Site Request Forgery')) {
    return (
      'A web page could have forged this request: send a POST with the content type application/json, ' +
      'or add the header "apollo-require-preflight: true".'
    );
  }
  return message;
}

/** graphql-js puts the whole value of a bad variable in front of what is wrong with it: only the path is kept. */
function describe(error: GraphQLError, message: string): { message: string; argument?: string } {
  const variable = /^Variable "\$(\w+)" got invalid value /.exec(cut(message))?.[1];
  const inner = error.originalError?.message;
  if (variable === undefined || inner === undefined || !message.endsWith(inner)) return { message: cut(message) };
  const before = message.slice(0, message.length - inner.length).slice(-MAX_MESSAGE_LENGTH);
  const argument = / at "([\w.[\]]+)"; $/.exec(before)?.[1] ?? variable;
  return { message: `Variable "$${variable}" is not usable at "${argument}": ${cut(inner)}`, argument };
}

function unavailable(formatted: GraphQLFormattedError, cause: unknown, logger: Logger): GraphQLFormattedError {
  logger.warn({ err: cause }, 'PostgreSQL did not answer a request');
  const { message, extensions } = serviceUnavailable('The database does not answer right now. Try again in a moment.');
  const { http: _http, ...rest } = extensions;
  return { ...positionOf(formatted), message, extensions: rest };
}

function masked(formatted: GraphQLFormattedError, cause: unknown, logger: Logger): GraphQLFormattedError {
  logger.error({ err: cause, path: formatted.path }, 'a request failed');
  return {
    ...positionOf(formatted),
    message: 'Something went wrong on our side. It was logged.',
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  };
}

function positionOf({ path, locations }: GraphQLFormattedError): Partial<GraphQLFormattedError> {
  return { ...(path === undefined ? {} : { path }), ...(locations === undefined ? {} : { locations }) };
}
