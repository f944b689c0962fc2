import type { Testbed } from '../testbed.js';

/**
 * Every product's persisted rating compared with its reviews, and what its days end with. As `compareRatings`, a witness that shares
 * no code and no view with the worker.
 */
export interface PersistedComparison {
  /** Products that have changed since their ratings were persisted. */
  readonly dirty: number;
  /** Products whose row is missing, or has other numbers than their reviews, without being dirty. */
  readonly wrong: readonly string[];
}

const COMPARE = `
  WITH counted AS (
    SELECT p.id, s.dirty IS TRUE AS dirty,
           ARRAY(SELECT count(v.id)::integer
                   FROM generate_series(1, 5) AS stars
                   LEFT JOIN reviews v ON v.product_id = p.id AND v.rating = stars AND v.status = 'PUBLISHED'
                  GROUP BY stars ORDER BY stars) AS stars
      FROM products p LEFT JOIN review_streams s ON s.product_id = p.id
     WHERE p.deleted_at IS NULL
  )
  SELECT c.id, c.dirty
    FROM counted c LEFT JOIN product_ratings r ON r.product_id = c.id
    LEFT JOIN LATERAL (
      SELECT ARRAY[d.stars_1, d.stars_2, d.stars_3, d.stars_4, d.stars_5] AS stars
        FROM product_rating_days d WHERE d.product_id = c.id ORDER BY d.day DESC LIMIT 1
    ) last_day ON true
   WHERE c.dirty OR c.stars IS DISTINCT FROM ARRAY[r.stars_1, r.stars_2, r.stars_3, r.stars_4, r.stars_5]
      OR coalesce(last_day.stars, c.stars) <> c.stars`;

/** In one statement, so nothing changes in between. */
export async function comparePersisted(bed: Testbed): Promise<PersistedComparison> {
  const { rows } = await bed.pool.query<{ id: string; dirty: boolean }>(COMPARE);
  return {
    dirty: rows.filter(({ dirty }) => dirty).length,
    wrong: rows.filter(({ dirty }) => !dirty).map(({ id }) => id),
  };
}
