import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import { createRowLoader } from '../database/row-loader.js';
import { oncePerOperation, type RequestedFields } from '../graphql/requested-fields.js';
import type { Page } from '../pagination/page.js';
import type { Condition } from '../pagination/filter.js';
import { keysetPage, keysetSelection, type KeysetRow } from '../pagination/keyset.js';
import type { ListCounts } from '../pagination/list-counts.js';
import { listKey, readList, type ListRequest } from '../pagination/list-request.js';
import type { Product } from './product.js';
import { EXISTING_PRODUCT, productColumns, productOf, type ReadProductRow } from './product-row.js';

const BY_ID = oncePerOperation((fields) =>
  preparedStatement(
    `SELECT id AS requested_key, ${productColumns(fields).join(', ')} FROM products WHERE id = ANY ($1::uuid[]) AND ${EXISTING_PRODUCT}`,
  ),
);
/** A product that is being deleted has none any more. */
const BY_EXTERNAL_ID = oncePerOperation((fields) =>
  preparedStatement(
    `SELECT external_id AS requested_key, ${productColumns(fields).join(', ')} FROM products WHERE external_id = ANY ($1::text[])`,
  ),
);
const SELECTION = oncePerOperation((fields) => keysetSelection(fields, 'Product', productColumns(fields)));

/** The products that one request reads, with the fields that it asks for: one statement for all ids that one tick asks for. */
export class ProductLoaders {
  readonly byId: DataLoader<string, Product | null>;
  private readonly externalIds: DataLoader<string, Product | null>;
  private readonly lists: DataLoader<ListRequest, Page<Product>, string>;
  private readonly counts: DataLoader<Condition, number, string>;

  /**
   * @param productCounts the lengths of lists, as all requests of the process share them
   * @param productsRead called with products before they are handed out, to read in one go what other subjects add to them
   */
  constructor(
    private readonly database: Database,
    productCounts: ListCounts,
    private readonly fields: RequestedFields,
    private readonly productsRead: (products: readonly Product[]) => Promise<void> | undefined,
  ) {
    this.byId = createRowLoader(database, () => BY_ID(fields), productOf, { itemsRead: productsRead });
    this.externalIds = createRowLoader(
      database,
      () => BY_EXTERNAL_ID(fields),
      (row: ReadProductRow) => this.prime(productOf(row)),
    );
    this.lists = new DataLoader((requests) => Promise.all(requests.map((request) => this.readPage(request))), {
      cacheKeyFn: listKey,
    });
    this.counts = new DataLoader((conditions) => Promise.all(conditions.map((one) => productCounts.count(one))), {
      cacheKeyFn: (condition) => JSON.stringify(condition),
    });
  }

  /** In the order of the externalIds; null where there is no product, or no externalId. */
  async byExternalIds(externalIds: ReadonlyArray<string | null>): Promise<Array<Product | null>> {
    const products = await Promise.all(
      externalIds.map(async (externalId) => (externalId === null ? null : this.externalIds.load(externalId))),
    );
    await this.productsRead(products.filter((product) => product !== null));
    return products;
  }

  /** The same look-up, which does not wait for what other subjects add. */
  async idByExternalId(externalId: string): Promise<string | null> {
    return (await this.externalIds.load(externalId))?.id ?? null;
  }

  /** Takes over products that were read elsewhere in the request. */
  add(products: readonly Product[]): Promise<void> | undefined {
    for (const product of products) this.prime(product);
    return this.productsRead(products);
  }

  /** One statement, whatever the size of the page, and whoever else in the request asks for the same page. */
  list(request: ListRequest): Promise<Page<Product>> {
    return this.lists.load(request);
  }

  /** How many products meet the condition: one statement for the whole request. */
  count(condition: Condition): Promise<number> {
    return this.counts.load(condition);
  }

  /** To be called after a mutation of this request changed the product. */
  clear(productId: string): void {
    this.byId.clear(productId);
    this.externalIds.clearAll();
    this.lists.clearAll();
    this.counts.clearAll();
  }

  private async readPage(request: ListRequest): Promise<Page<Product>> {
    const list = { ...request, table: 'products' };
    type Row = ReadProductRow & KeysetRow;
    const rows = await readList<Row>(this.database, list, SELECTION(this.fields), request.page, null);
    const page = keysetPage(rows, request.page, request, (row) => this.prime(productOf(row)));
    await this.productsRead(page.nodes);
    return page;
  }

  private prime(product: Product): Product {
    this.byId.prime(product.id, product);
    return product;
  }
}
