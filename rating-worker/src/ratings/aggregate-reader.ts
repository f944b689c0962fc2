import { readRatingAggregates, type Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import { isStatementTooLarge } from './database-failure.js';
import type { SetAsideProducts } from './set-aside-products.js';

/** What was read of some products. Those in neither are not in PostgreSQL. */
export interface AggregatePart {
  readonly aggregates: readonly RatingAggregate[];
  /** Products that PostgreSQL could not count. */
  readonly setAside: readonly string[];
}

/**
 * Reads aggregates so that one product too large to count holds up no other: a statement that does not fit is halved until it does,
 * and the product that does not fit alone is set aside.
 *
 *     [a b C d]   timed out
 *     [a b]       read
 *     [C d]       timed out
 *     [C]         timed out: set aside     [d]   read
 */
export class AggregateReader {
  private retrying = false;

  constructor(
    private readonly database: Queryable,
    private readonly setAside: SetAsideProducts,
  ) {}

  /**
   * Reads in one statement, for callers whom others wait for; products known to be set aside are left out of it.
   * @throws the database's error: where `isStatementTooLarge` holds of it, `read` gets further
   */
  async readAtOnce(productIds: readonly string[]): Promise<AggregatePart> {
    const setAside = productIds.filter((productId) => this.setAside.has(productId));
    const others = productIds.filter((productId) => !this.setAside.has(productId));
    return { aggregates: await readRatingAggregates(this.database, others), setAside };
  }

  /**
   * Reads in as many statements as it takes, each part as soon as it is there. Products set aside come last, each alone, once
   * they are due; only one of them is tried at a time.
   * @throws the database's error, but for statements that are too large
   */
  async *read(productIds: readonly string[]): AsyncGenerator<AggregatePart> {
    const known = new Set(productIds.filter((productId) => this.setAside.has(productId)));
    yield* this.readParts(productIds.filter((productId) => !known.has(productId)));
    for (const productId of known) {
      if (this.retrying || this.setAside.waits(productId)) yield { aggregates: [], setAside: [productId] };
      else yield* this.retry(productId);
    }
  }

  private async *retry(productId: string): AsyncGenerator<AggregatePart> {
    this.retrying = true;
    try {
      yield* this.readParts([productId]);
    } finally {
      this.retrying = false;
    }
  }

  private async *readParts(productIds: readonly string[]): AsyncGenerator<AggregatePart> {
    let aggregates: RatingAggregate[];
    try {
      aggregates = await readRatingAggregates(this.database, productIds);
    } catch (error) {
      if (!isStatementTooLarge(error)) throw error;
      if (productIds.length === 1) {
        this.setAside.add(productIds[0]!, error);
        yield { aggregates: [], setAside: productIds };
        return;
      }
      const half = Math.ceil(productIds.length / 2);
      yield* this.readParts(productIds.slice(0, half));
      yield* this.readParts(productIds.slice(half));
      return;
    }
    this.setAside.delete(productIds);
    yield { aggregates, setAside: [] };
  }
}
