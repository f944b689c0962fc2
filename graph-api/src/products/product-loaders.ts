import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { createRowLoader } from '../database/row-loader.js';
import type { SharedRead } from '../database/shared-read.js';
import type { Page } from '../pagination/connection.js';
import { keysetPage, keysetQuery, POSITION_COLUMN, type KeysetRow } from '../pagination/keyset.js';
import { pageKey, type PageRequest } from '../pagination/page-arguments.js';
import type { Product } from './product.js';
import { EXISTING_PRODUCT, PRODUCT_COLUMNS, productOf, type ProductRow } from './product-row.js';

const PRODUCT_LIST = {
  kind: 'product',
  table: 'products',
  columns: `${PRODUCT_COLUMNS}, ${POSITION_COLUMN}`,
  condition: EXISTING_PRODUCT,
} as const;

/** The products that one request reads: one statement for all ids that one tick asks for. */
export class ProductLoaders {
  readonly byId: DataLoader<string, Product | null>;
  private readonly pages: DataLoader<PageRequest, Page<Product>, string>;
  private count: Promise<number> | null = null;

  /** @param productCount the number of all products, as all requests of the process share it */
  constructor(
    private readonly database: Database,
    private readonly productCount: SharedRead<number>,
  ) {
    this.byId = createRowLoader(
      database,
      {
        name: 'products_by_id',
        text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = ANY ($1::uuid[]) AND ${EXISTING_PRODUCT}`,
      },
      productOf,
    );
    this.pages = new DataLoader((requests) => Promise.all(requests.map((request) => this.readPage(request))), {
      cacheKeyFn: pageKey,
    });
  }

  async byExternalId(externalId: string): Promise<Product | null> {
    const [row] = await this.database.rows<ProductRow>(
      { name: 'product_by_external_id', text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE external_id = $1` },
      [externalId],
    );
    return row === undefined ? null : this.prime(productOf(row));
  }

  /** One statement, whatever the size of the page, and whoever else in the request asks for the same page. */
  page(request: PageRequest): Promise<Page<Product>> {
    return this.pages.load(request);
  }

  /** One statement for the whole request. */
  totalCount(): Promise<number> {
    this.count ??= this.productCount.get();
    return this.count;
  }

  /** To be called after a mutation of this request changed the product. */
  clear(productId: string): void {
    this.byId.clear(productId);
    this.pages.clearAll();
    this.count = null;
  }

  private async readPage(request: PageRequest): Promise<Page<Product>> {
    const { statement, values } = keysetQuery(PRODUCT_LIST, request, null);
    const rows = await this.database.rows<ProductRow & KeysetRow>(statement, values);
    return keysetPage(rows, request, PRODUCT_LIST.kind, (row) => this.prime(productOf(row)));
  }

  private prime(product: Product): Product {
    this.byId.prime(product.id, product);
    return product;
  }
}
