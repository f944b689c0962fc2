import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';

/** Sorts before every product id. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** At most `size` product ids, in the order of the primary key, that come after the one given; null begins. */
export async function readProductPage(database: Queryable, after: string | null, size: number): Promise<string[]> {
  const { rows } = await database.query({
    name: 'product_pages',
    text: 'SELECT product_id FROM rating_aggregates WHERE product_id > $1 ORDER BY product_id LIMIT $2',
    values: [after ?? BEFORE_ALL, size],
  });
  return (rows as Array<{ product_id: string }>).map((row) => row.product_id);
}

/** The ids of all products, a page at a time, so that memory does not grow with the catalogue. */
export async function* productPages(database: Queryable, size: number): AsyncGenerator<string[]> {
  let after: string | null = null;
  for (;;) {
    const ids: string[] = await readProductPage(database, after, size);
    if (ids.length > 0) yield ids;
    if (ids.length < size) return;
    after = ids.at(-1)!;
  }
}
