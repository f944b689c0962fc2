/** One request of a load over HTTP. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  readonly authorization?: string;
}

/** Requests over keep-alive connections, each of which sends its next request as soon as it has its answer. */
export interface HttpLoad {
  readonly kind: 'http';
  /** `http://127.0.0.1:3000` */
  readonly origin: string;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: readonly LoadRequest[];
  /** Start anew at the end of `requests`; otherwise the load ends there, before its time is up. */
  readonly repeat: boolean;
  /** An answer without this text, with another status than 200, or with GraphQL errors is a failure. */
  readonly mustInclude: string;
}

/** Single INSERTs of reviews over connections of their own: what the triggers cost without anything above them. */
export interface InsertLoad {
  readonly kind: 'inserts';
  readonly connectionString: string;
  readonly connections: number;
  readonly seconds: number;
  /** The products in turn. */
  readonly productIds: readonly string[];
}

export type Load = HttpLoad | InsertLoad;

/** What a load did. */
export interface LoadResult {
  /** Answered without a failure. */
  readonly count: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Of each counted request, in ms, in no order. */
  readonly latencies: Float64Array;
  readonly failures: number;
  /** What the first failed answer said. */
  readonly firstFailure?: string;
}

/** Counts what the connections of one load do. */
export class LoadTally {
  readonly #began = performance.now();
  readonly #latencies: number[] = [];
  #failures = 0;
  #firstFailure: string | undefined;

  succeeded(sentAt: number): void {
    this.#latencies.push(performance.now() - sentAt);
  }

  failed(reason: string): void {
    this.#failures += 1;
    this.#firstFailure ??= reason.slice(0, 500);
  }

  result(): LoadResult {
    return {
      count: this.#latencies.length,
      seconds: (performance.now() - this.#began) / 1_000,
      latencies: Float64Array.from(this.#latencies),
      failures: this.#failures,
      ...(this.#firstFailure === undefined ? {} : { firstFailure: this.#firstFailure }),
    };
  }
}
