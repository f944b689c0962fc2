import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import { createRowLoader } from '../database/row-loader.js';
import type { SharedRead } from '../database/shared-read.js';
import type { RequestedFields } from '../graphql/requested-fields.js';
import type { Page } from '../pagination/page.js';
import { keysetPage, keysetQuery, keysetSelection, type KeysetRow } from '../pagination/keyset.js';
import { pageKey, type PageRequest } from '../pagination/page-arguments.js';
import type { Product } from './product.js';
import { EXISTING_PRODUCT, productColumns, productOf, type ReadProductRow } from './product-row.js';

const PRODUCT_LIST = { kind: 'product', table: 'products', condition: EXISTING_PRODUCT } as const;

/** The products that one request reads, with the fields that it asks for: one statement for all ids that one tick asks for. */
export class ProductLoaders {
  readonly byId: DataLoader<string, Product | null>;
  private readonly byExternalIds: DataLoader<string, Product | null>;
  private readonly pages: DataLoader<PageRequest, Page<Product>, string>;
  private count: Promise<number> | null = null;

  /**
   * @param productCount the number of all products, as all requests of the process share it
   * @param pageRead called with the products of a page, to read in one go what other subjects add to them
   */
  constructor(
    private readonly database: Database,
    private readonly productCount: SharedRead<number>,
    private readonly fields: RequestedFields,
    private readonly pageRead: (products: readonly Product[]) => Promise<void> | undefined,
  ) {
    const columns = productColumns(fields).join(', ');
    this.byId = createRowLoader(
      database,
      preparedStatement(
        `SELECT id AS requested_key, ${columns} FROM products WHERE id = ANY ($1::uuid[]) AND ${EXISTING_PRODUCT}`,
      ),
      productOf,
    );
    this.byExternalIds = createRowLoader(
      database,
      preparedStatement(
        `SELECT external_id AS requested_key, ${columns} FROM products WHERE external_id = ANY ($1::text[])`,
      ),
      (row: ReadProductRow) => this.prime(productOf(row)),
    );
    this.pages = new DataLoader((requests) => Promise.all(requests.map((request) => this.readPage(request))), {
      cacheKeyFn: pageKey,
    });
  }

  byExternalId(externalId: string): Promise<Product | null> {
    return this.byExternalIds.load(externalId);
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
    const selection = keysetSelection(this.fields, 'Product', productColumns(this.fields));
    const { text, values } = keysetQuery(PRODUCT_LIST, selection, request, null);
    const rows = await this.database.rows<ReadProductRow & KeysetRow>(preparedStatement(text), values);
    const page = keysetPage(rows, request, PRODUCT_LIST.kind, (row) => this.prime(productOf(row)));
    await this.pageRead(page.nodes);
    return page;
  }

  private prime(product: Product): Product {
    this.byId.prime(product.id, product);
    return product;
  }
}
