import type { RatingSnapshot } from './rating-store.js';

/** What this module needs of a pg Pool, Client, or TypeORM's pool. */
export interface Queryable {
  query(statement: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
  }): Promise<{ readonly rows: unknown[] }>;
}

interface SnapshotRow {
  readonly product_id: string;
  readonly last_seq: number;
  readonly stars_1: string;
  readonly stars_2: string;
  readonly stars_3: string;
  readonly stars_4: string;
  readonly stars_5: string;
}

/**
 * The ratings as SQL has them: one statement on the view `rating_snapshots`, so each row holds exactly the changes
 * 1..seq. Products that SQL lacks are absent from the result. Must run on the primary.
 */
export async function readRatingSnapshots(
  database: Queryable,
  productIds: readonly string[],
): Promise<RatingSnapshot[]> {
  if (productIds.length === 0) return [];
  const { rows } = await database.query({
    name: 'rating_snapshots',
    text: `SELECT product_id, last_seq, stars_1, stars_2, stars_3, stars_4, stars_5
             FROM rating_snapshots
            WHERE product_id = ANY ($1::uuid[])`,
    values: [productIds],
  });
  return (rows as SnapshotRow[]).map((row) => ({
    productId: row.product_id,
    seq: row.last_seq,
    stars: [row.stars_1, row.stars_2, row.stars_3, row.stars_4, row.stars_5].map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ],
  }));
}

/** Only the products' last sequence numbers; the planner leaves the view's aggregate out. */
export async function readLastSequences(
  database: Queryable,
  productIds: readonly string[],
): Promise<Map<string, number>> {
  if (productIds.length === 0) return new Map();
  const { rows } = await database.query({
    name: 'rating_last_sequences',
    text: 'SELECT product_id, last_seq FROM rating_snapshots WHERE product_id = ANY ($1::uuid[])',
    values: [productIds],
  });
  return new Map((rows as SnapshotRow[]).map((row) => [row.product_id, row.last_seq]));
}
