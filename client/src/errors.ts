import { ClientError } from 'graphql-request';

/** One error of a response, as the API writes it. */
export interface ResponseError {
  readonly message: string;
  /** `BAD_USER_INPUT`, `UNAUTHENTICATED`, `FORBIDDEN`, `SERVICE_UNAVAILABLE` … */
  readonly code: string;
  /** Where in the answer it happened. */
  readonly path?: ReadonlyArray<string | number>;
  /** Which argument is to blame, as in `input.productId`. */
  readonly argument?: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
}

/** The API answered with top-level errors: a malformed request, no access, or a fault. What a person can correct is in `userErrors`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly errors: readonly ResponseError[],
    /** The answer's HTTP status. */
    readonly status: number,
    options?: ErrorOptions,
  ) {
    super(errors.map(({ code, message }) => `${code}: ${message}`).join('; '), options);
  }

  /** The first error's code. */
  get code(): string {
    return this.errors[0]!.code;
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.errors.every(({ retryable }) => retryable);
  }
}

/** No usable answer came: the API is not reachable, took too long, or something that is no GraphQL server answered. */
export class TransportError extends Error {
  override readonly name = 'TransportError';

  constructor(
    message: string,
    /** The answer's HTTP status, where there was an answer. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same request may succeed later. A mutation that got no answer may have happened all the same. */
  get retryable(): boolean {
    return this.status === undefined || this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

/** What a request rejected with, as one of the two errors above. */
export function toClientError(error: unknown): ApiError | TransportError {
  if (error instanceof TransportError) return error;
  if (error instanceof ClientError) {
    const { errors = [], status } = error.response;
    return new ApiError(errors.map(responseError), status, { cause: error });
  }
  const reason = error instanceof Error ? causeMessage(error) : String(error);
  return new TransportError(`the API did not answer: ${reason}`, undefined, { cause: error });
}

function responseError({
  message,
  path,
  extensions,
}: NonNullable<ClientError['response']['errors']>[number]): ResponseError {
  // A server may leave the extensions out, whatever graphql's type says.
  const { code, argument, retryable } = extensions ?? {};
  return {
    message,
    code: typeof code === 'string' ? code : 'UNKNOWN',
    ...(path === undefined ? {} : { path }),
    ...(typeof argument === 'string' ? { argument } : {}),
    retryable: retryable === true,
  };
}

function causeMessage(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? `${error.message} (${cause.message})` : error.message;
}
