import {
  readRatingAggregates,
  readStreamPositions,
  type Queryable,
} from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import type { RatingCache } from './rating-cache.js';
import { SingleFlight } from './single-flight.js';

/** A rating that is read. */
export interface RatingRequest {
  readonly productId: string;
  /** The version that it must have at least, as callers claim it; 0 where any will do. */
  readonly askedVersion: number;
  /** The same, of a change that PostgreSQL is known to have committed. */
  readonly committedVersion: number;
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
  async read(requests: readonly RatingRequest[]): Promise<readonly RatingState[]> {
    const ratings = await this.readCached(requests);
    const stale = await this.findStale(requests, ratings);
    if (stale.length === 0) return ratings;
    const current = new Map<string, RatingState>(
      (await readRatingAggregates(this.database, stale)).map((aggregate) => [aggregate.productId, aggregate]),
    );
    const isStale = new Set(stale);
    return requests.map(({ productId }, i) =>
      isStale.has(productId) ? (current.get(productId) ?? NO_REVIEWS) : ratings[i]!,
    );
  }

  /** What Redis lacks, or is known to be behind with, comes from PostgreSQL. */
  private async readCached(requests: readonly RatingRequest[]): Promise<readonly RatingState[]> {
    const cached = await this.cache.getMany(requests.map(({ productId }) => productId));
    const current = cached.map((state, i) =>
      state !== null && state.seq >= requests[i]!.committedVersion ? state : null,
    );
    if (!current.includes(null)) return current as readonly RatingState[];
    const missing = requests.flatMap(({ productId }, i) => (current[i] === null ? [productId] : []));
    const aggregates = await this.misses.load(missing);
    return requests.map(({ productId }, i) => current[i] ?? aggregates.get(productId) ?? NO_REVIEWS);
  }

  /**
   * The products of which PostgreSQL has a newer rating that was asked for: of a committed change, where the read that was shared
   * began before it. A claimed version may be from the future: where the rating has PostgreSQL's last sequence number, it costs no
   * aggregate.
   */
  private async findStale(requests: readonly RatingRequest[], ratings: readonly RatingState[]): Promise<string[]> {
    const stale: string[] = [];
    const claimed: Array<{ readonly productId: string; readonly seq: number }> = [];
    requests.forEach(({ productId, askedVersion, committedVersion }, i) => {
      const { seq } = ratings[i]!;
      if (seq < committedVersion) stale.push(productId);
      else if (seq < askedVersion) claimed.push({ productId, seq });
    });
    if (claimed.length === 0) return stale;
    const positions = await readStreamPositions(
      this.database,
      claimed.map(({ productId }) => productId),
    );
    const behind = claimed.filter(({ productId, seq }) => positions.get(productId)?.seq !== seq);
    return [...stale, ...behind.map(({ productId }) => productId)];
  }
}
