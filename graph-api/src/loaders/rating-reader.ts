import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import {
  readLastSequences,
  readRatingAggregates,
  type Queryable,
} from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingAggregate, RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { RatingSource } from '../schema/product-rating.js';

/** A product's rating and who answered it. */
export interface ReadRating {
  readonly state: RatingState;
  readonly source: RatingSource;
}

/** What SQL answers for a product that it does not have: it was deleted a moment ago. */
const NO_REVIEWS: RatingState = { seq: 0, stars: [0, 0, 0, 0, 0] };

/** Background writes to Redis at a time; further misses answer without filling. */
const MAX_FILLS_IN_FLIGHT = 8;

/**
 * Reads ratings for all requests of the process: one MGET for what one request needs; what Redis lacks comes from one
 * SQL statement, shared with every request that misses the same product meanwhile, and fills Redis behind the answer.
 */
export class RatingReader {
  private readonly breaker: CircuitBreaker;
  private readonly missesInFlight = new Map<string, Promise<RatingAggregate | null>>();
  private readonly fills = new Set<Promise<void>>();

  constructor(
    private readonly store: RatingStore,
    private readonly database: Queryable,
    private readonly logger: Logger,
  ) {
    this.breaker = new CircuitBreaker({
      failures: 5,
      openMs: 1_000,
      onChange: (open) =>
        open
          ? logger.warn('Redis does not answer: ratings are read from PostgreSQL until it does')
          : logger.info('Redis answers again'),
    });
  }

  /** Fresh within the pipeline's delay; in the order of the ids. */
  async read(productIds: readonly string[]): Promise<ReadRating[]> {
    const cached = await this.readCache(productIds);
    const missing = productIds.filter((_, i) => cached[i] == null);
    const snapshots = missing.length === 0 ? new Map<string, RatingState>() : await this.readMisses(missing);
    return productIds.map((id, i) => {
      const state = cached[i];
      return state == null
        ? { state: snapshots.get(id) ?? NO_REVIEWS, source: RatingSource.DATABASE }
        : { state, source: RatingSource.CACHE };
    });
  }

  /**
   * As SQL has them now: no cache, no sharing with statements that began earlier. Redis is not filled: for what it holds
   * the worker is on its way.
   */
  async readDatabase(productIds: readonly string[]): Promise<ReadRating[]> {
    const snapshots = await readRatingAggregates(this.database, productIds);
    const states = new Map<string, RatingState>(snapshots.map((snapshot) => [snapshot.productId, snapshot]));
    return productIds.map((id) => ({ state: states.get(id) ?? NO_REVIEWS, source: RatingSource.DATABASE }));
  }

  /**
   * Ratings that are behind the version asked for. Where the cached one holds SQL's last number it is current, and
   * a version from the future costs no aggregate.
   */
  async readCurrent(behind: ReadonlyArray<{ productId: string; read: ReadRating }>): Promise<ReadRating[]> {
    const lastSequences = await readLastSequences(
      this.database,
      behind.map(({ productId }) => productId),
    );
    const stale = behind.filter(({ productId, read }) => lastSequences.get(productId) !== read.state.seq);
    const fresh = new Map<string, ReadRating>();
    if (stale.length > 0) {
      const ids = stale.map(({ productId }) => productId);
      (await this.readDatabase(ids)).forEach((read, i) => fresh.set(ids[i]!, read));
    }
    return behind.map(({ productId, read }) => fresh.get(productId) ?? read);
  }

  /** Waits for the writes behind earlier answers. */
  async stop(): Promise<void> {
    await Promise.all(this.fills);
  }

  private async readCache(productIds: readonly string[]): Promise<ReadonlyArray<RatingState | null>> {
    if (!this.breaker.allows()) return [];
    try {
      const states = await this.store.getMany(productIds);
      this.breaker.succeeded();
      return states;
    } catch (error) {
      this.breaker.failed();
      this.logger.debug({ err: error }, 'ratings could not be read from Redis');
      return [];
    }
  }

  private async readMisses(productIds: readonly string[]): Promise<Map<string, RatingState>> {
    const own = [...new Set(productIds)].filter((id) => !this.missesInFlight.has(id));
    if (own.length > 0) {
      const statement = readRatingAggregates(this.database, own).then((snapshots) => {
        this.fill(snapshots);
        return new Map(snapshots.map((snapshot) => [snapshot.productId, snapshot]));
      });
      for (const id of own) {
        const miss = statement.then((snapshots) => snapshots.get(id) ?? null);
        this.missesInFlight.set(id, miss);
        const done = (): void => void this.missesInFlight.delete(id);
        miss.then(done, done);
      }
    }
    const found = new Map<string, RatingState>();
    await Promise.all(
      productIds.map(async (id) => {
        const snapshot = await this.missesInFlight.get(id);
        if (snapshot != null) found.set(id, snapshot);
      }),
    );
    return found;
  }

  private fill(snapshots: readonly RatingAggregate[]): void {
    if (snapshots.length === 0 || this.fills.size >= MAX_FILLS_IN_FLIGHT || !this.breaker.allows()) return;
    const fill = this.store.replace(snapshots).then(
      () => this.breaker.succeeded(),
      (error: unknown) => {
        this.breaker.failed();
        this.logger.debug({ err: error }, 'ratings could not be written to Redis');
      },
    );
    this.fills.add(fill);
    void fill.finally(() => this.fills.delete(fill));
  }
}
