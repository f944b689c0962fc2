import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';

/** The ids of all products, in pages by primary key. */
export async function* productPages(database: Queryable, size: number): AsyncGenerator<string[]> {
  let last = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const { rows } = await database.query({
      name: 'product_pages',
      text: 'SELECT product_id FROM rating_aggregates WHERE product_id > $1 ORDER BY product_id LIMIT $2',
      values: [last, size],
    });
    const ids = (rows as Array<{ product_id: string }>).map((row) => row.product_id);
    if (ids.length > 0) yield ids;
    if (ids.length < size) return;
    last = ids.at(-1)!;
  }
}
