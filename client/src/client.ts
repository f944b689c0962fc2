import { GraphQLClient } from 'graphql-request';
import { toClientError } from './errors.js';
import { getSdk, type Sdk } from './generated/sdk.js';

export interface RatingsClientOptions {
  /** The API's address, such as `http://localhost:3000/graphql`. */
  readonly url: string;
  /** A bearer token, or a function that is asked for one before each request. Reading needs none. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
  /** A request without an answer rejects after this time; 30,000 by default. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
}

/** One method an operation; each rejects with `ApiError` or `TransportError`. */
export type RatingsClient = Sdk;

/** The typed SDK of the API. Holds no connection and needs no closing. */
export function createRatingsClient(options: RatingsClientOptions): RatingsClient {
  const { url, token, timeoutMs = 30_000, fetch: fetcher = fetch } = options;
  const client = new GraphQLClient(url, {
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      fetcher(input, { ...init, signal: init?.signal ?? AbortSignal.timeout(timeoutMs) }),
  });
  return getSdk(client, async (action) => {
    try {
      const bearer = typeof token === 'function' ? await token() : token;
      return await action(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
    } catch (error) {
      throw toClientError(error);
    }
  });
}
