interface ErrorCodeFacts {
  /** The HTTP status of an answer that has no data because of this error. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /**
   * Whether the whole request is refused, wherever in it the error arises: the answer then has no data, as for a request that
   * is not valid, so that the status does not depend on which fields around it may be null.
   */
  readonly refuses?: true;
}

/**
 * Every `extensions.code` that a caller can meet. docs/api.md explains them, and a test compares the two. Where an answer has several
 * errors, the first of them in this order gives the status.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: { status: 401, retryable: false, refuses: true },
  FORBIDDEN: { status: 403, retryable: false, refuses: true },
  BAD_USER_INPUT: { status: 400, retryable: false, refuses: true },
  GRAPHQL_PARSE_FAILED: { status: 400, retryable: false },
  GRAPHQL_VALIDATION_FAILED: { status: 400, retryable: false },
  RATE_LIMITED: { status: 429, retryable: true },
  QUERY_TOO_COMPLEX: { status: 400, retryable: false },
  OPERATION_RESOLUTION_FAILURE: { status: 400, retryable: false },
  DOCUMENT_NOT_TRUSTED: { status: 403, retryable: false },
  PERSISTED_QUERY_NOT_FOUND: { status: 400, retryable: false },
  PERSISTED_QUERY_NOT_SUPPORTED: { status: 400, retryable: false },
  BAD_REQUEST: { status: 400, retryable: false },
  RESPONSE_TOO_LARGE: { status: 400, retryable: false },
  SERVICE_UNAVAILABLE: { status: 503, retryable: true },
  OPERATION_TIMEOUT: { status: 503, retryable: false },
  INTERNAL_SERVER_ERROR: { status: 500, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
} as const satisfies Readonly<Record<string, ErrorCodeFacts>>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}

/** The code and, where it is so, that the same request may succeed later. */
export function extensionsOf(code: ErrorCode): { code: ErrorCode; retryable?: true } {
  return ERROR_CODES[code].retryable ? { code, retryable: true } : { code };
}

/** Whether the error refuses the whole request. */
export function refusesRequest(code: ErrorCode): boolean {
  return 'refuses' in ERROR_CODES[code];
}
