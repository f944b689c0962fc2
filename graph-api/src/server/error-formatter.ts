import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { isDatabaseUnavailable } from '../database/postgres-errors.js';
import { extensionsOf, isErrorCode } from '../graphql/error-codes.js';
import { serviceUnavailable } from '../graphql/errors.js';

const MAX_MESSAGE_LENGTH = 300;

/**
 * What a caller sees of an error: a stable code, and a message without stack trace, SQL, library internals or an echo of
 * the whole input. Everything unexpected is masked, with its cause kept for the log.
 *
 * `hideSchemaDetails` also keeps suggestions out of errors about variables, where Apollo leaves them.
 */
export function createErrorFormatter(hideSchemaDetails: boolean) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const cause = unwrapResolverError(error);
    if (!(cause instanceof GraphQLError)) {
      return isDatabaseUnavailable(cause) ? unavailable(formatted, cause) : masked(formatted, cause);
    }
    const code = isAboutVariables(cause) ? 'BAD_USER_INPUT' : formatted.extensions?.['code'];
    if (!isErrorCode(code) || code === 'INTERNAL_SERVER_ERROR') return masked(formatted, cause);

    const { message: full, argument } = describe(cause, inOurWords(formatted.message));
    const message = hideSchemaDetails ? withoutSuggestion(full) : full;
    const { stacktrace: _stacktrace, http: _http, ...extensions } = formatted.extensions ?? {};
    return {
      ...formatted,
      message: cut(message),
      extensions: { ...extensions, code, ...(argument === undefined ? {} : { argument }) },
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

const TOO_MANY_IN_VARIABLES = 'Too many errors processing variables';
/** A variable that may be null and has a default passes validation at an argument that may not: `@skip(if: $x)`. */
const NULL_AT_ARGUMENT = /^Argument "\w{1,100}" of non-null type "[^"]{1,100}" must not be null\.$/;

/** graphql-js gives these errors about variables no code. */
function isAboutVariables({ message, extensions }: GraphQLError): boolean {
  if (extensions['code'] !== undefined) return false;
  return message.startsWith(TOO_MANY_IN_VARIABLES) || NULL_AT_ARGUMENT.test(message);
}

/** What the libraries say about themselves rather than about the request. */
function inOurWords(message: string): string {
  if (message === 'Validation aborted.') return 'The operation is too complex to be checked: ask for each field once.';
  if (message.startsWith('Too many validation errors') || message.startsWith(TOO_MANY_IN_VARIABLES)) {
    return 'There are more errors: correct these first.';
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

function unavailable(formatted: GraphQLFormattedError, cause: unknown): GraphQLFormattedError {
  const { message, extensions } = serviceUnavailable('The database does not answer right now. Try again in a moment.');
  return withCause({ ...positionOf(formatted), message, extensions }, { err: cause, isUnavailable: true });
}

function masked(formatted: GraphQLFormattedError, cause: unknown): GraphQLFormattedError {
  const error = {
    ...positionOf(formatted),
    message: 'Something went wrong on our side. It was logged under the requestId.',
    extensions: extensionsOf('INTERNAL_SERVER_ERROR'),
  };
  return withCause(error, { err: cause, isUnavailable: false });
}

/** What is behind an error that the caller sees masked. */
export interface ErrorCause {
  readonly err: unknown;
  /** Whether PostgreSQL could not answer, rather than something being wrong. */
  readonly isUnavailable: boolean;
}

const CAUSE = Symbol('cause');

/** Keeps the cause beside the error, where JSON does not show it, until it is logged with the request's id. */
function withCause(error: GraphQLFormattedError, cause: ErrorCause): GraphQLFormattedError {
  return Object.assign(error, { [CAUSE]: cause });
}

/** What is behind a formatted error, if it is ours to log. */
export function causeOf(error: GraphQLFormattedError): ErrorCause | undefined {
  return (error as { readonly [CAUSE]?: ErrorCause })[CAUSE];
}

function positionOf({ path, locations }: GraphQLFormattedError): Partial<GraphQLFormattedError> {
  return { ...(path === undefined ? {} : { path }), ...(locations === undefined ? {} : { locations }) };
}
