import { readRatingAggregates, type Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingAggregate } from '@exact-ratings/shared/rating/rating-store.js';
import { DividedStatement } from './divided-statement.js';
import type { SetAsideProducts } from './set-aside-products.js';

/** What was read of some products. Those in neither are not in PostgreSQL. */
export interface AggregatePart {
  readonly aggregates: readonly RatingAggregate[];
  /** Products that PostgreSQL could not count. */
  readonly setAside: readonly string[];
}

/** Reads aggregates so that one product too large to count holds up no other. */
export class AggregateReader {
  private readonly divided: DividedStatement<RatingAggregate[]>;

  constructor(
    private readonly database: Queryable,
    private readonly setAside: SetAsideProducts,
  ) {
    this.divided = new DividedStatement((productIds) => readRatingAggregates(database, productIds), setAside);
  }

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
   * Reads in as many statements as it takes, each part as soon as it is there.
   * @throws the database's error, but for statements that are too large
   */
  async *read(productIds: readonly string[]): AsyncGenerator<AggregatePart> {
    for await (const { answer, setAside } of this.divided.run(productIds)) yield { aggregates: answer ?? [], setAside };
  }
}
