import type { AggregateRow, Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { ratingStateOf } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingPrior } from '@exact-ratings/shared/rating/rating-prior-config.js';
import type { PositionedRating } from '@exact-ratings/shared/rating/rating-state.js';
import { DividedStatement } from '../ratings/divided-statement.js';
import type { SetAsideProducts } from '../ratings/set-aside-products.js';

/** What became of products that were to be persisted. */
export interface PersistReport {
  persisted: number;
  /** Of these, the ratings that have changed since they were persisted before. */
  moved: number;
  /** Products that PostgreSQL could not count: their rows stay as they are. */
  readonly setAside: string[];
}

/** A product's row of `product_ratings` beside its stream. */
export interface PersistedRating {
  readonly productId: string;
  /** Null where the product has no row. */
  readonly rating: (PositionedRating & { readonly weighted: number }) | null;
  /** Whether the stream has gone on since. */
  readonly dirty: boolean;
  /** Whether the row holds the last event of the stream. */
  readonly isCurrent: boolean;
}

interface PersistedRow extends AggregateRow {
  readonly product_id: string;
  readonly has_row: boolean;
  readonly weighted: string;
  readonly dirty: boolean;
  readonly is_current: boolean;
}

/** The table `product_ratings`, through the functions and the view that the worker may use. */
export class ProductRatings {
  private readonly persistDirty: DividedStatement<PersistedCounts>;
  private readonly persistAny: DividedStatement<PersistedCounts>;

  constructor(
    private readonly database: Queryable,
    readonly prior: RatingPrior,
    setAside: SetAsideProducts,
  ) {
    this.persistDirty = new DividedStatement((productIds) => this.persistAtOnce(productIds, true), setAside);
    this.persistAny = new DividedStatement((productIds) => this.persistAtOnce(productIds, false), setAside);
  }

  /** The ids of the next dirty products behind this one, in the order of the primary key. */
  async dirtyProducts(after: string, limit: number): Promise<string[]> {
    const { rows } = await this.database.query({
      name: 'dirty_products',
      text: 'SELECT dirty_products($1, $2) AS id',
      values: [after, limit],
    });
    return (rows as Array<{ id: string }>).map(({ id }) => id);
  }

  /**
   * Counts the reviews of these products and writes their rows, those of `onlyDirty` where they have changed since.
   * @throws the database's error, but for statements that are too large
   */
  async persist(productIds: readonly string[], { onlyDirty }: { readonly onlyDirty: boolean }): Promise<PersistReport> {
    const report: PersistReport = { persisted: 0, moved: 0, setAside: [] };
    for await (const part of (onlyDirty ? this.persistDirty : this.persistAny).run(productIds)) {
      report.persisted += part.answer?.persisted ?? 0;
      report.moved += part.answer?.moved ?? 0;
      report.setAside.push(...part.setAside);
    }
    return report;
  }

  /**
   * Computes the weighted ratings of the next products anew, from the counts of their rows.
   * @returns the last of these products, null past the end, and how many had another weighted rating
   */
  async reweigh(after: string, limit: number): Promise<{ readonly last: string | null; readonly reweighed: number }> {
    const { rows } = await this.database.query({
      name: 'reweigh_product_ratings',
      text: 'SELECT last_id AS last, reweighed FROM reweigh_product_ratings($1, $2, $3, $4)',
      values: [after, limit, this.prior.mean, this.prior.weight],
    });
    return rows[0] as { last: string | null; reweighed: number };
  }

  /** The rows of these products, as far as the products exist, in any order. */
  async read(productIds: readonly string[]): Promise<PersistedRating[]> {
    if (productIds.length === 0) return [];
    const { rows } = await this.database.query({
      name: 'persisted_ratings',
      text: `SELECT product_id, seq IS NOT NULL AS has_row, seq AS last_seq, last_event_id, stars_1, stars_2, stars_3, stars_4,
                    stars_5, exact_text(weighted) AS weighted, dirty, is_current
               FROM persisted_ratings WHERE product_id = ANY ($1::uuid[])`,
      values: [productIds],
    });
    return (rows as PersistedRow[]).map((row) => ({
      productId: row.product_id,
      rating: row.has_row ? { ...ratingStateOf(row), weighted: Number(row.weighted) } : null,
      dirty: row.dirty,
      isCurrent: row.is_current,
    }));
  }

  private async persistAtOnce(productIds: readonly string[], onlyDirty: boolean): Promise<PersistedCounts> {
    const { rows } = await this.database.query({
      name: 'persist_product_ratings',
      text: 'SELECT persisted, moved FROM persist_product_ratings($1::uuid[], $2, $3, $4)',
      values: [productIds, this.prior.mean, this.prior.weight, onlyDirty],
    });
    return rows[0] as PersistedCounts;
  }
}

interface PersistedCounts {
  readonly persisted: number;
  readonly moved: number;
}
