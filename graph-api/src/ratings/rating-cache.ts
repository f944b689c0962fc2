import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingAggregate, RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { TurnBatch } from './turn-batch.js';

/** Background writes to Redis at a time; what comes on top is not written. */
const MAX_FILLS_IN_FLIGHT = 8;
/** Ratings in one script call: about 2 ms, which every other client of Redis waits for. */
const RATINGS_PER_CALL = 100;
/** Ratings in one MGET of several requests; a request's own page may have more. About 0.3 ms of Redis. */
const RATINGS_PER_MGET = 500;

/** The ratings in Redis as the API uses them: an outage costs one time-out at most, and is no error. */
export class RatingCache {
  private readonly breaker: CircuitBreaker;
  private readonly fills = new Set<Promise<void>>();
  private readonly reads = new TurnBatch(
    (productIds: readonly string[]) => this.readMany(productIds),
    RATINGS_PER_MGET,
  );

  /** @param timeoutMs time for one command in milliseconds; the client itself has no limit of its own */
  constructor(
    private readonly store: RatingStore,
    private readonly timeoutMs: number,
    private readonly logger: Logger,
  ) {
    this.breaker = new CircuitBreaker({
      failureShare: 0.5,
      minFailures: 5,
      windowMs: 1_000,
      openMs: 1_000,
      onChange: (open) =>
        open
          ? logger.warn('Redis does not answer: ratings are read from PostgreSQL until it does')
          : logger.info('Redis answers again'),
    });
  }

  /**
   * In the order of the ids, null where Redis has no rating, or does not answer. One MGET for all requests that ask in the
   * same turn of the event loop.
   */
  getMany(productIds: readonly string[]): Promise<ReadonlyArray<RatingState | null>> {
    return this.reads.load(productIds);
  }

  private async readMany(productIds: readonly string[]): Promise<ReadonlyArray<RatingState | null>> {
    if (!this.breaker.allows()) return productIds.map(() => null);
    try {
      const states = await this.inTime(this.store.getMany(productIds));
      this.breaker.succeeded();
      return states;
    } catch (error) {
      this.breaker.failed();
      this.logger.debug({ err: error }, 'ratings could not be read from Redis');
      return productIds.map(() => null);
    }
  }

  /**
   * Writes ratings in the background. What is newer in Redis stays. A write that fails says nothing about reads: Redis
   * may be out of memory or read-only and answer all the same.
   */
  fill(aggregates: readonly RatingAggregate[]): void {
    if (aggregates.length === 0 || this.fills.size >= MAX_FILLS_IN_FLIGHT || this.breaker.isOpen) return;
    const fill = this.write(aggregates).catch((error: unknown) =>
      this.logger.debug({ err: error }, 'ratings could not be written to Redis'),
    );
    this.fills.add(fill);
    void fill.finally(() => this.fills.delete(fill));
  }

  /** Waits for the writes in the background. */
  async stop(): Promise<void> {
    await Promise.all(this.fills);
  }

  private async write(aggregates: readonly RatingAggregate[]): Promise<void> {
    for (let i = 0; i < aggregates.length; i += RATINGS_PER_CALL) {
      await this.inTime(this.store.replace(aggregates.slice(i, i + RATINGS_PER_CALL)));
    }
  }

  private inTime<T>(command: Promise<T>): Promise<T> {
    return withDeadline(command, this.timeoutMs, 'Redis did not answer');
  }
}
