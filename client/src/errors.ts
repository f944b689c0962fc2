import { ClientError } from 'graphql-request';

/** One error of a response, as the API writes it. */
export interface ResponseError {
  readonly message: string;
  /** `BAD_USER_INPUT`, `UNAUTHENTICATED`, `FORBIDDEN`, `SERVICE_UNAVAILABLE` … */
  readonly code: string;
  readonly path?: ReadonlyArray<string | number>;
}

/** The API answered with top-level errors: a malformed request, no access, or a fault. What a person can mend is in `userErrors`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly errors: readonly ResponseError[],
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
    return this.errors.some(({ code }) => code === 'SERVICE_UNAVAILABLE');
  }
}

/** No usable answer came: the API is not reachable, took too long, or something that is no GraphQL server answered. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly retryable = true;
}

/** What a request rejected with, as one of the two errors above. */
export function toClientError(error: unknown): ApiError | TransportError {
  if (error instanceof ClientError) {
    const { errors, status } = error.response;
    if (errors !== undefined && errors.length > 0) {
      return new ApiError(
        errors.map(({ message, extensions, path }) => ({
          message,
          code: typeof extensions?.['code'] === 'string' ? extensions['code'] : 'UNKNOWN',
          ...(path === undefined ? {} : { path }),
        })),
        status,
        { cause: error },
      );
    }
    return new TransportError(`the API answered with HTTP ${status} and no GraphQL response`, { cause: error });
  }
  const reason = error instanceof Error ? causeMessage(error) : String(error);
  return new TransportError(`the API did not answer: ${reason}`, { cause: error });
}

function causeMessage(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? `${error.message} (${cause.message})` : error.message;
}
