import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type RatingsClient } from '@exact-ratings/client';
import { ROOT, type Testbed } from '../testbed.js';

/** Latencies are in milliseconds. */
export interface ProbeReport {
  readonly reads: number;
  /** One line for each read that no API answered, or that was answered with an error or an impossible rating. */
  readonly failures: readonly string[];
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ProbeOptions {
  readonly productIds: readonly string[];
  readonly pauseMs?: number;
  /** Indexes of the APIs to read from; all by default. A read without an answer is sent to the next one. */
  readonly apis?: readonly number[];
  readonly timeoutMs?: number;
}

interface Sample {
  readonly at: number;
  readonly ms: number;
  readonly failure: string | null;
}

/** Measures availability: reads the products' ratings in turn through the client and checks every answer. */
export class ReadProbe {
  readonly #samples: Sample[] = [];
  #stopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly bed: Testbed,
    private readonly options: ProbeOptions,
  ) {}

  start(): this {
    this.#running = this.#run();
    this.#running.catch(() => undefined);
    return this;
  }

  /** Counts and latencies, in milliseconds, of the reads that ended between two times. */
  report(from = 0, to = Infinity): ProbeReport {
    const samples = this.#samples.filter(({ at }) => at >= from && at <= to);
    const times = samples.map(({ ms }) => ms).sort((a, b) => a - b);
    const quantile = (share: number): number => Math.round(times[Math.ceil(share * times.length) - 1] ?? 0);
    return {
      reads: samples.length,
      failures: samples.flatMap(({ failure }) => (failure === null ? [] : [failure])),
      p50: quantile(0.5),
      p99: quantile(0.99),
      max: quantile(1),
    };
  }

  async stop(): Promise<ProbeReport> {
    this.#stopping = true;
    await this.#running;
    return this.report();
  }

  async #run(): Promise<void> {
    const { productIds, pauseMs = 20, apis = this.bed.system.apis.map((_, i) => i), timeoutMs = 10_000 } = this.options;
    const clients = await Promise.all(
      apis.map((i) => this.bed.clientAt(`${this.bed.system.apis[i]!.url}/graphql`, ROOT, timeoutMs)),
    );
    for (let turn = 0; !this.#stopping; turn += 1) {
      const began = performance.now();
      const failure = await this.#read(clients, turn, productIds[turn % productIds.length]!);
      this.#samples.push({ at: Date.now(), ms: performance.now() - began, failure });
      await delay(pauseMs);
    }
  }

  async #read(clients: readonly RatingsClient[], turn: number, id: string): Promise<string | null> {
    let last: unknown;
    for (let attempt = 0; attempt < clients.length; attempt += 1) {
      try {
        const { product } = await clients[(turn + attempt) % clients.length]!.Product({ id });
        return product == null ? null : findNonsense(product.averageRating, product.reviewCount);
      } catch (error) {
        last = error;
        if (error instanceof ApiError && !error.retryable) break;
      }
    }
    return String(last);
  }
}

function findNonsense(average: number | null | undefined, count: number): string | null {
  const isRight =
    Number.isInteger(count) &&
    count >= 0 &&
    (count === 0 ? average == null : typeof average === 'number' && average >= 1 && average <= 5);
  return isRight ? null : `nonsense: average ${average} of ${count} reviews`;
}
