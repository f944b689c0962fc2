import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';

/** Sorts before every product id. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

export interface ProductPage {
  /** In the order of the primary key. */
  readonly ids: readonly string[];
  /** Those that were loaded with triggers off, and have no row in `review_streams`. */
  readonly withoutStream: ReadonlySet<string>;
}

/** At most `size` products that come after the id given; null begins. */
export async function readProductPage(database: Queryable, after: string | null, size: number): Promise<ProductPage> {
  const { rows } = await database.query({
    name: 'product_pages',
    text: 'SELECT product_id, has_stream FROM rating_aggregates WHERE product_id > $1 ORDER BY product_id LIMIT $2',
    values: [after ?? BEFORE_ALL, size],
  });
  const products = rows as Array<{ product_id: string; has_stream: boolean }>;
  return {
    ids: products.map((row) => row.product_id),
    withoutStream: new Set(products.filter((row) => !row.has_stream).map((row) => row.product_id)),
  };
}

/** All products, a page at a time, so that memory does not grow with the catalogue. */
export async function* productPages(database: Queryable, size: number): AsyncGenerator<ProductPage> {
  let after: string | null = null;
  for (;;) {
    const page: ProductPage = await readProductPage(database, after, size);
    if (page.ids.length > 0) yield page;
    if (page.ids.length < size) return;
    after = page.ids.at(-1)!;
  }
}
