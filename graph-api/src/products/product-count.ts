import type { Database } from '../database/database.js';
import { EXISTING_PRODUCT } from './product-row.js';
import { SharedRead } from '../database/shared-read.js';

/** The number of all products: a count of the whole table, so all requests of the process share a running one. */
export function createProductCount(database: Database): SharedRead<number> {
  return new SharedRead(async () => {
    const { rows } = await database.query({
      name: 'product_count',
      text: `SELECT count(*)::integer AS total FROM products WHERE ${EXISTING_PRODUCT}`,
      values: [],
    });
    return (rows as Array<{ total: number }>)[0]!.total;
  });
}
