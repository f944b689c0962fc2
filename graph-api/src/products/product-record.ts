import { recordColumns, recordOf } from '../database/records.js';
import type { RequestedFields } from '../graphql/requested-fields.js';
import type { Product } from './product.js';
import { PRODUCT_COLUMNS, productColumns, productOf, type ReadProductRow } from './product-row.js';

/**
 * The columns of a record of `products` that a statement of another subject answers, for its SELECT list: those of the requested
 * fields, or all.
 */
export function productRecordColumns(record: string, fields?: RequestedFields): string {
  return recordColumns(record, columnsOf(fields));
}

/** The product in a row that has `productRecordColumns(record, fields)`; null where the record is null. */
export function productOfRecord(record: string, row: object, fields?: RequestedFields): Product | null {
  const product = recordOf<ReadProductRow>(record, columnsOf(fields), row);
  return product === null ? null : productOf(product);
}

function columnsOf(fields: RequestedFields | undefined): readonly string[] {
  return fields === undefined ? ALL_COLUMNS : productColumns(fields);
}

const ALL_COLUMNS = PRODUCT_COLUMNS.split(', ');
