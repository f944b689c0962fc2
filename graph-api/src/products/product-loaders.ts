import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import { createRowLoader } from '../database/row-loader.js';
import type { SharedRead } from '../database/shared-read.js';
import { oncePerOperation, type RequestedFields } from '../graphql/requested-fields.js';
import type { Page } from '../pagination/page.js';
import { keysetPage, keysetQuery, keysetSelection, type KeysetRow } from '../pagination/keyset.js';
import { pageKey, type PageRequest } from '../pagination/page-arguments.js';
import type { Product } from './product.js';
import { EXISTING_PRODUCT, productColumns, productOf, type ReadProductRow } from './product-row.js';

const PRODUCT_LIST = { kind: 'product', table: 'products', condition: EXISTING_PRODUCT } as const;

const BY_ID = oncePerOperation((fields) =>
  preparedStatement(
    `SELECT id AS requested_key, ${productColumns(fields).join(', ')} FROM products WHERE id = ANY ($1::uuid[]) AND ${EXISTING_PRODUCT}`,
  ),
);
const BY_EXTERNAL_ID = oncePerOperation((fields) =>
  preparedStatement(
    `SELECT external_id AS requested_key, ${productColumns(fields).join(', ')} FROM products WHERE external_id = ANY ($1::text[])`,
  ),
);
const SELECTION = oncePerOperation((fields) => keysetSelection(fields, 'Product', productColumns(fields)));

/** The products that one request reads, with the fields that it asks for: one statement for all ids that one tick asks for. */
export class ProductLoaders {
  readonly byId: DataLoader<string, Product | null>;
  private readonly byExternalIds: DataLoader<string, Product | null>;
  private readonly pages: DataLoader<PageRequest, Page<Product>, string>;
  private count: Promise<number> | null = null;

  /**
   * @param productCount the number of all products, as all requests of the process share it
   * @param productsRead called with products before they are handed out, to read in one go what other subjects add to them
   */
  constructor(
    private readonly database: Database,
    private readonly productCount: SharedRead<number>,
    private readonly fields: RequestedFields,
    private readonly productsRead: (products: readonly Product[]) => Promise<void> | undefined,
  ) {
    this.byId = createRowLoader(database, () => BY_ID(fields), productOf, { itemsRead: productsRead });
    this.byExternalIds = createRowLoader(
      database,
      () => BY_EXTERNAL_ID(fields),
      (row: ReadProductRow) => this.prime(productOf(row)),
    );
    this.pages = new DataLoader((requests) => Promise.all(requests.map((request) => this.readPage(request))), {
      cacheKeyFn: pageKey,
    });
  }

  async byExternalId(externalId: string): Promise<Product | null> {
    const product = await this.byExternalIds.load(externalId);
    if (product !== null) await this.productsRead([product]);
    return product;
  }

  /** The same look-up, which does not wait for what other subjects add. */
  async idByExternalId(externalId: string): Promise<string | null> {
    return (await this.byExternalIds.load(externalId))?.id ?? null;
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
    this.byExternalIds.clearAll();
    this.pages.clearAll();
    this.count = null;
  }

  private async readPage(request: PageRequest): Promise<Page<Product>> {
    const { text, values } = keysetQuery(PRODUCT_LIST, SELECTION(this.fields), request, null);
    const rows = await this.database.rows<ReadProductRow & KeysetRow>(preparedStatement(text), values);
    const page = keysetPage(rows, request, PRODUCT_LIST.kind, (row) => this.prime(productOf(row)));
    await this.productsRead(page.nodes);
    return page;
  }

  private prime(product: Product): Product {
    this.byId.prime(product.id, product);
    return product;
  }
}
