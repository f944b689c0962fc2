import { oncePerOperation } from '../graphql/requested-fields.js';
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

/** A row of which some columns were read. */
export type ReadProductRow = Partial<ProductRow> & Pick<ProductRow, 'id'>;

type ProductColumn = keyof ProductRow;

/**
 * The condition under which a product exists. One with very many reviews stays in the table for some minutes after its
 * deletion, until its reviews are removed.
 */
export const EXISTING_PRODUCT = 'deleted_at IS NULL';

/** The columns that each field of a product is made of, besides its id. Fields of other subjects need the id alone. */
const COLUMNS_OF_FIELD: Readonly<Record<string, readonly ProductColumn[]>> = {
  externalId: ['external_id'],
  name: ['name'],
  description: ['description'],
  price: ['price_amount', 'price_currency'],
  version: ['version'],
  createdAt: ['created_at'],
  updatedAt: ['updated_at'],
};

/** All columns that a product is made of, as SQL. */
export const PRODUCT_COLUMNS = ['id', ...Object.values(COLUMNS_OF_FIELD).flat()].join(', ');

/** The columns of the fields that are asked for: no other is read. */
export const productColumns = oncePerOperation((fields) => fields.columns('Product', COLUMNS_OF_FIELD));

/** A product with the fields whose columns were read. */
export function productOf(row: ReadProductRow): Product {
  const product = new Product();
  product.id = row.id;
  product.externalId = row.external_id!;
  product.name = row.name!;
  product.description = row.description!;
  if (row.price_amount !== undefined) product.price = moneyOf(row.price_amount, row.price_currency!);
  product.version = row.version!;
  product.createdAt = row.created_at!;
  product.updatedAt = row.updated_at!;
  return product;
}
