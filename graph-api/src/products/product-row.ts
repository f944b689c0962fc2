import { Product } from './product.js';
import { moneyOf } from './money.js';

export interface ProductRow {
  readonly id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly price_amount: string;
  readonly price_currency: string;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/**
 * The condition under which a product exists. One with very many reviews stays in the table for some minutes after its
 * deletion, until its reviews are removed.
 */
export const EXISTING_PRODUCT = 'deleted_at IS NULL';

export const PRODUCT_COLUMNS =
  'id, external_id, name, description, price_amount, price_currency, version, created_at, updated_at';

export function productOf(row: ProductRow): Product {
  const product = new Product();
  product.id = row.id;
  product.externalId = row.external_id;
  product.name = row.name;
  product.description = row.description;
  product.price = moneyOf(row.price_amount, row.price_currency);
  product.version = row.version;
  product.createdAt = row.created_at;
  product.updatedAt = row.updated_at;
  return product;
}
