import type { DocumentNode } from 'graphql';
import { GraphQLClient } from 'graphql-request';
import { toClientError, TransportError } from './errors.js';
import { getSdk, type Sdk } from './generated/sdk.js';

export interface RatingsClientOptions {
  /** The API's address, such as `http://localhost:3000/graphql`. */
  readonly url: string;
  /** A bearer token, or a function that is asked for one before each request. Reading needs none. */
  readonly token?: string | undefined | (() => string | undefined | Promise<string | undefined>);
  /** A request without an answer rejects after this time; 30,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Makes the requests, instead of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** A query text, or a document as code generators make it, which knows its types. */
export type Document<Data, Vars> = string | (DocumentNode & { readonly __apiType?: (variables: Vars) => Data });

/**
 * One method an operation; each rejects with `ApiError` or `TransportError`, or with the `AbortError` of the signal that
 * was handed in.
 */
export interface RatingsClient extends Sdk {
  /** Sends an operation of one's own, as the methods send theirs. */
  request<Data, Vars extends object = object>(
    document: Document<Data, Vars>,
    variables?: Vars,
    requestHeaders?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Data>;
}

/** The typed SDK of the API. Holds no connection and needs no closing. */
export function createRatingsClient(options: RatingsClientOptions): RatingsClient {
  const { url, token, timeoutMs = 30_000, fetch: fetcher = fetch } = options;
  const client = new GraphQLClient(url, {
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
      return checkedResponse(await fetcher(input, { ...init, signal }));
    },
  });
  const call = async <T>(action: (headers: Record<string, string>) => Promise<T>): Promise<T> => {
    const bearer = typeof token === 'function' ? await token() : token;
    try {
      return await action(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
    } catch (error) {
      throw isAbort(error) ? error : toClientError(error);
    }
  };
  return {
    ...getSdk(client, call),
    request: <Data, Vars extends object>(
      document: Document<Data, Vars>,
      variables?: Vars,
      requestHeaders: Record<string, string> = {},
      signal?: AbortSignal,
    ) =>
      call((headers) =>
        client.request<Data>({
          document,
          variables: variables ?? {},
          requestHeaders: { ...requestHeaders, ...headers },
          ...(signal === undefined ? {} : { signal }),
        }),
      ),
  };
}

/** The same response. @throws TransportError where no GraphQL server wrote it, which graphql-request takes for no data. */
async function checkedResponse(response: Response): Promise<Response> {
  const text = await response.text();
  if (!isGraphQLResponse(text)) {
    throw new TransportError(`the API answered with HTTP ${response.status} and no GraphQL response`, response.status);
  }
  return new Response(text, { status: response.status, headers: response.headers });
}

function isGraphQLResponse(text: string): boolean {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null) return false;
    return 'data' in body || ('errors' in body && Array.isArray(body.errors) && body.errors.length > 0);
  } catch {
    return false;
  }
}

/** Whether the caller's own signal ended the request: that is for the caller to know. */
function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}
