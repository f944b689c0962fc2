import {
  readRatingAggregates,
  readStreamPositions,
  type Queryable,
} from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import { RatingSource } from './product-rating.js';
import type { RatingCache } from './rating-cache.js';
import { SingleFlight } from './single-flight.js';

/** A product's rating and who answered it. */
export interface ReadRating {
  readonly state: RatingState;
  readonly source: RatingSource;
  /** Whether PostgreSQL was asked for this very answer, so that there is nothing newer. */
  readonly isCurrent: boolean;
}

/** A rating that is read, and the version that it must have at least; 0 where any will do. */
export interface RatingRequest {
  readonly productId: string;
  readonly minVersion: number;
}

/** The rating of a product that PostgreSQL does not have: it was deleted a moment ago. */
const NO_REVIEWS: RatingState = { seq: 0, stars: [0, 0, 0, 0, 0] };

/**
 * Reads ratings for all requests of the process: one MGET for what one request needs; what Redis lacks comes from one
 * statement, shared with every request that misses the same product meanwhile, and fills Redis behind the answer.
 */
export class RatingReader {
  private readonly misses: SingleFlight<string, RatingAggregate>;

  constructor(
    private readonly cache: RatingCache,
    private readonly database: Queryable,
  ) {
    this.misses = new SingleFlight(async (productIds) => {
      const aggregates = await readRatingAggregates(database, productIds);
      cache.fill(aggregates);
      return new Map(aggregates.map((aggregate) => [aggregate.productId, aggregate]));
    });
  }

  /**
   * Fresh within the pipeline's delay, and of the version asked for where there is one; in the order of the requests.
   * What Redis has too old a version of is read from PostgreSQL.
   */
  async read(requests: readonly RatingRequest[]): Promise<ReadRating[]> {
    const ratings = await this.readCached(requests.map(({ productId }) => productId));
    const isBehind = (i: number): boolean => ratings[i]!.state.seq < requests[i]!.minVersion;
    const behind = requests.flatMap(({ productId }, i) => (isBehind(i) ? [{ productId, read: ratings[i]! }] : []));
    if (behind.length === 0) return ratings;
    const current = (await this.readCurrent(behind)).values();
    return ratings.map((rating, i) => (isBehind(i) ? current.next().value! : rating));
  }

  private async readCached(productIds: readonly string[]): Promise<ReadRating[]> {
    const cached = await this.cache.getMany(productIds);
    const missing = productIds.filter((_, i) => cached[i] === null);
    const aggregates = await this.misses.load(missing);
    return productIds.map((id, i) => {
      const state = cached[i] ?? null;
      return state === null
        ? { state: aggregates.get(id) ?? NO_REVIEWS, source: RatingSource.DATABASE, isCurrent: false }
        : { state, source: RatingSource.CACHE, isCurrent: false };
    });
  }

  /**
   * As PostgreSQL has them now: no cache, no sharing with statements that began earlier. Redis is not filled: for what
   * it holds the worker is on its way.
   */
  async readDatabase(productIds: readonly string[]): Promise<ReadRating[]> {
    const aggregates = await readRatingAggregates(this.database, productIds);
    const states = new Map<string, RatingState>(aggregates.map((aggregate) => [aggregate.productId, aggregate]));
    return productIds.map((id) => ({
      state: states.get(id) ?? NO_REVIEWS,
      source: RatingSource.DATABASE,
      isCurrent: true,
    }));
  }

  /**
   * Ratings that are behind the version asked for. Where the cached one has PostgreSQL's last sequence number it is
   * current, and a version from the future costs no aggregate.
   */
  private async readCurrent(behind: ReadonlyArray<{ productId: string; read: ReadRating }>): Promise<ReadRating[]> {
    const positions = await readStreamPositions(
      this.database,
      behind.map(({ productId }) => productId),
    );
    const stale = behind.filter(({ productId, read }) => positions.get(productId)?.seq !== read.state.seq);
    const fresh = new Map<string, ReadRating>();
    if (stale.length > 0) {
      const ids = stale.map(({ productId }) => productId);
      (await this.readDatabase(ids)).forEach((read, i) => fresh.set(ids[i]!, read));
    }
    return behind.map(({ productId, read }) => fresh.get(productId) ?? { ...read, isCurrent: true });
  }
}
