import type DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { createRowLoader } from '../database/row-loader.js';
import type { Page } from '../pagination/connection.js';
import { keysetPage, keysetQuery, POSITION_COLUMN, type KeysetRow } from '../pagination/keyset.js';
import type { PageRequest } from '../pagination/page-arguments.js';
import type { Product } from './product.js';
import { PRODUCT_COLUMNS, productOf, type ProductRow } from './product-row.js';

const PRODUCT_LIST = {
  kind: 'product',
  table: 'products',
  columns: `${PRODUCT_COLUMNS}, ${POSITION_COLUMN}`,
  condition: 'true',
} as const;

/** The products that one request reads: one statement for all ids that one tick asks for. */
export class ProductLoaders {
  readonly byId: DataLoader<string, Product | null>;

  constructor(private readonly database: Database) {
    this.byId = createRowLoader(
      database,
      { name: 'products_by_id', text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = ANY ($1::uuid[])` },
      productOf,
    );
  }

  async byExternalId(externalId: string): Promise<Product | null> {
    const [row] = await this.database.rows<ProductRow>(
      { name: 'product_by_external_id', text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE external_id = $1` },
      [externalId],
    );
    return row === undefined ? null : this.prime(productOf(row));
  }

  /** One statement, whatever the size of the page. */
  async page(request: PageRequest): Promise<Page<Product>> {
    const { statement, values } = keysetQuery(PRODUCT_LIST, request, null);
    const rows = await this.database.rows<ProductRow & KeysetRow>(statement, values);
    return keysetPage(rows, request, PRODUCT_LIST.kind, (row) => this.prime(productOf(row)));
  }

  async totalCount(): Promise<number> {
    const [row] = await this.database.rows<{ total: number }>(
      { name: 'products_total', text: 'SELECT count(*)::integer AS total FROM products' },
      [],
    );
    return row!.total;
  }

  /** To be called after a mutation of this request changed the product. */
  clear(productId: string): void {
    this.byId.clear(productId);
  }

  private prime(product: Product): Product {
    this.byId.prime(product.id, product);
    return product;
  }
}
