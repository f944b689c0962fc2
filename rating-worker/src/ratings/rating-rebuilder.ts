import { MAX_SEQUENCE } from '@exact-ratings/shared/events/review-event.js';
import { readRatingAggregates, type Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';

/** PostgreSQL does not answer now: the rebuild has to come later. */
export class DatabaseUnavailableError extends Error {
  constructor(cause: unknown) {
    super(`PostgreSQL cannot give the ratings now: ${errorMessage(cause)}`, { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

/** A product and the highest number that Redis or Kafka has of it. */
export interface SeenProduct {
  readonly productId: string;
  readonly seq: number;
}

/** How far a number moves past what was seen: further than what may still be under way. */
const LEAP = 1_000_000;
/** Moves end here, so that a corrupt key cannot use a product's numbers up. */
const HIGHEST_LEAP = MAX_SEQUENCE - 100_000_000;

/** After a failure PostgreSQL is left alone for this long, so that its time-outs do not hold up the jobs. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Rebuilds ratings from SQL: one statement for all products, then one script call. */
export class Rebuilder {
  private unavailableUntil = 0;
  private down = false;

  constructor(
    private readonly database: Queryable,
    private readonly store: RatingStore,
    private readonly logger: Logger,
  ) {}

  /**
   * Puts SQL's ratings in place where Redis holds nothing newer. Products that SQL lacks are left alone.
   * @returns the numbers that were read, by product that SQL has.
   */
  async rebuild(productIds: readonly string[]): Promise<Map<string, number>> {
    const snapshots = await this.ask(() => readRatingAggregates(this.database, productIds));
    await this.store.replace(snapshots);
    return new Map(snapshots.map(({ productId, seq }) => [productId, seq]));
  }

  /**
   * For products of which Redis or Kafka has what SQL cannot know of: PostgreSQL was put back to the past. Its numbers
   * move past all that there may be, which is taken as seen from then on; then they are rebuilt. Redis never moves back.
   */
  async moveForward(products: readonly SeenProduct[]): Promise<Map<string, number>> {
    const [possible, absurd] = partition(products, ({ seq }) => seq + LEAP <= HIGHEST_LEAP);
    if (absurd.length > 0) {
      this.logger.error({ products: absurd }, 'numbers that no history can have: these keys are corrupt, and removed');
      await this.store.delete(absurd.map(({ productId }) => productId));
    }
    if (possible.length > 0) {
      this.logger.warn(
        { products: possible.slice(0, 10), count: possible.length },
        "PostgreSQL's numbers move forward",
      );
      await this.ask(() =>
        this.database.query({
          name: 'advance_review_sequences',
          // Sorted last, so that the rows are locked in the order in which everybody locks them.
          text: `SELECT advance_review_sequence(id, target) FROM (
                   SELECT u.id, greatest(u.seen, s.last_seq) + ${LEAP} AS target
                     FROM unnest($1::uuid[], $2::integer[]) AS u (id, seen)
                     JOIN rating_aggregates s ON s.product_id = u.id ORDER BY u.id) AS p`,
          values: [possible.map(({ productId }) => productId), possible.map(({ seq }) => seq)],
        }),
      );
    }
    return this.rebuild(products.map(({ productId }) => productId));
  }

  private async ask<T>(query: () => Promise<T>): Promise<T> {
    if (Date.now() < this.unavailableUntil) throw new DatabaseUnavailableError('it failed a moment ago');
    try {
      const answer = await query();
      if (this.down) this.logger.info('PostgreSQL answers again');
      this.down = false;
      return answer;
    } catch (error) {
      this.unavailableUntil = Date.now() + PAUSE_AFTER_FAILURE_MS;
      if (!this.down) this.logger.warn({ reason: errorMessage(error) }, 'PostgreSQL fails: rebuilds are put off');
      this.down = true;
      throw new DatabaseUnavailableError(error);
    }
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
