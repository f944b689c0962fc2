import type { Product } from './product.js';
import { PRODUCT_COLUMNS, productOf, type ProductRow } from './product-row.js';

const COLUMNS = PRODUCT_COLUMNS.split(', ');

/** The columns of a record of `products` that a statement of another subject answers, for its SELECT list. */
export function productRecordColumns(record: string): string {
  return COLUMNS.map((column) => `(${record}).${column} AS "${record}.${column}"`).join(', ');
}

/** The product in a row that has `productRecordColumns(record)`; null where the record is null. */
export function productOfRecord(record: string, row: Readonly<Record<string, unknown>>): Product | null {
  if (row[`${record}.id`] === null) return null;
  const fields = Object.fromEntries(COLUMNS.map((column) => [column, row[`${record}.${column}`]]));
  return productOf(fields as unknown as ProductRow);
}
