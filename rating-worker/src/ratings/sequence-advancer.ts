import { MAX_SEQUENCE } from '@exact-ratings/shared/events/review-event.js';
import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { RatingRebuilder, RebuildResult } from './rating-rebuilder.js';

/** A product and the highest sequence number that Redis or Kafka has of it. */
export interface ObservedSequence {
  readonly productId: string;
  readonly seq: number;
}

/** How far a sequence number is advanced past the observed one: further than what may still be in transit. */
const ADVANCE_BY = 1_000_000;
/** No sequence number is advanced beyond this, so that a corrupt key cannot use up those of its product. */
const MAX_ADVANCED_SEQ = MAX_SEQUENCE - 100_000_000;

/**
 * Advances sequence numbers in PostgreSQL past those of a discarded timeline. After PostgreSQL was restored from an older
 * backup, Redis and Kafka hold changes that it does not know; once its sequence numbers are higher, such changes are duplicates
 * wherever they still arrive. Redis never moves back.
 */
export class SequenceAdvancer {
  constructor(
    private readonly database: Queryable,
    private readonly rebuilder: RatingRebuilder,
    private readonly store: RatingStore,
    private readonly logger: Logger,
  ) {}

  /**
   * Advances the products' sequence numbers past the observed and the stored ones, and rebuilds their ratings.
   * Where the observed number is higher than any history can have, the keys are corrupt: they are removed instead.
   * @returns the sequence numbers that hold now, and the products that could not be rebuilt
   * @throws the database's error where PostgreSQL fails, ioredis's where Redis does
   */
  async advance(products: readonly ObservedSequence[]): Promise<RebuildResult> {
    const credible = products.filter(({ seq }) => seq + ADVANCE_BY <= MAX_ADVANCED_SEQ);
    const corrupt = products.filter((product) => !credible.includes(product));
    if (corrupt.length > 0) {
      this.logger.error(
        { products: corrupt },
        'no history can have these sequence numbers: the corrupt keys are removed',
      );
      await this.store.delete(corrupt.map(({ productId }) => productId));
    }
    if (credible.length > 0) {
      this.logger.warn(
        { products: credible.slice(0, 10), count: credible.length },
        'sequence numbers in PostgreSQL are advanced past those of a discarded timeline',
      );
      await this.database.query({
        name: 'advance_review_sequences',
        // Sorted last, so that the rows are locked in the order in which everybody locks them.
        text: `SELECT advance_review_sequence(id, target) FROM (
                 SELECT u.id, greatest(u.observed, s.last_seq) + ${ADVANCE_BY} AS target
                   FROM unnest($1::uuid[], $2::integer[]) AS u (id, observed)
                   JOIN rating_aggregates s ON s.product_id = u.id ORDER BY u.id) AS p`,
        values: [credible.map(({ productId }) => productId), credible.map(({ seq }) => seq)],
      });
    }
    return this.rebuilder.rebuild(products.map(({ productId }) => productId));
  }

  /**
   * Makes the streams of products that were loaded with triggers off, at sequence number 0: their events begin with the next change.
   * @throws the database's error
   */
  async createStreams(productIds: readonly string[]): Promise<void> {
    await this.database.query({
      name: 'create_review_streams',
      text: 'SELECT advance_review_sequence(id, 0) FROM (SELECT unnest($1::uuid[]) AS id ORDER BY id) AS p',
      values: [productIds],
    });
  }
}
