import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import type { Page } from '../schema/connections.js';
import type { PageRequest } from '../schema/page-arguments.js';
import type { Product } from '../schema/product.js';
import type { Author, Review } from '../schema/review.js';
import { keysetPage, keysetStatement, keysetValues, POSITION_COLUMN, type KeysetRow } from './keyset-page.js';
import { PRODUCT_COLUMNS, productOf, type ProductRow } from './product-rows.js';
import { PUBLIC_REVIEW, REVIEW_COLUMNS, reviewOf, type ReviewRow } from './review-rows.js';

/** Stands for the one parent of the list of all products. */
const CATALOGUE = '00000000-0000-0000-0000-000000000000';

const PRODUCTS = {
  kind: 'product',
  table: 'products',
  columns: `${PRODUCT_COLUMNS}, ${POSITION_COLUMN}`,
  condition: 'true',
} as const;

const REVIEWS_OF_PRODUCT = {
  kind: 'review',
  table: 'reviews',
  columns: `${REVIEW_COLUMNS}, ${POSITION_COLUMN}`,
  condition: `product_id = parent.id AND ${PUBLIC_REVIEW}`,
} as const;

interface ReviewPageKey {
  readonly productId: string;
  readonly page: PageRequest;
}

/** What one request has read of the catalogue; one statement for all ids that one tick asks for. */
export class CatalogueLoaders {
  readonly products: DataLoader<string, Product | null>;
  readonly reviews: DataLoader<string, Review | null>;
  readonly authors: DataLoader<string, Author | null>;
  /** How many public reviews the product has. */
  readonly reviewTotals: DataLoader<string, number>;
  private readonly reviewPages: DataLoader<ReviewPageKey, Page<Review>, string>;

  constructor(private readonly database: Database) {
    this.products = this.byId(
      {
        name: 'products_by_id',
        text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = ANY ($1::uuid[])`,
      },
      productOf,
    );
    this.reviews = this.byId(
      {
        name: 'reviews_by_id',
        text: `SELECT ${REVIEW_COLUMNS} FROM reviews WHERE id = ANY ($1::uuid[]) AND ${PUBLIC_REVIEW}`,
      },
      reviewOf,
    );
    this.authors = this.byId<{ id: string; display_name: string }, Author>(
      { name: 'authors_by_id', text: 'SELECT id, display_name FROM authors WHERE id = ANY ($1::uuid[])' },
      (row) => ({ id: row.id, displayName: row.display_name }),
    );
    this.reviewTotals = new DataLoader((productIds) => this.readReviewTotals(productIds));
    this.reviewPages = new DataLoader((keys) => this.readReviewPages(keys), {
      cacheKeyFn: ({ productId, page }) => `${productId} ${JSON.stringify(page)}`,
    });
  }

  async productByExternalId(externalId: string): Promise<Product | null> {
    const [row] = await this.database.rows<ProductRow>(
      { name: 'product_by_external_id', text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE external_id = $1` },
      [externalId],
    );
    return row === undefined ? null : this.remember(productOf(row));
  }

  /** One statement, whatever the size of the page. */
  async productPage(request: PageRequest): Promise<Page<Product>> {
    const rows = await this.database.rows<ProductRow & KeysetRow>(
      keysetStatement(PRODUCTS, request),
      keysetValues([CATALOGUE], request),
    );
    return keysetPage(rows, request, PRODUCTS.kind, (row) => this.remember(productOf(row)));
  }

  async productTotal(): Promise<number> {
    const [row] = await this.database.rows<{ total: number }>(
      { name: 'products_total', text: 'SELECT count(*)::integer AS total FROM products' },
      [],
    );
    return row!.total;
  }

  /** One statement for the pages of all products that ask for the same page in one tick. */
  reviewPage(productId: string, page: PageRequest): Promise<Page<Review>> {
    return this.reviewPages.load({ productId, page });
  }

  /** Forgets what a mutation of this request changed. */
  forget(ids: { readonly productId?: string | null; readonly reviewId?: string | null }): void {
    if (ids.productId) this.products.clear(ids.productId);
    if (ids.reviewId) this.reviews.clear(ids.reviewId);
    this.reviewTotals.clearAll();
    this.reviewPages.clearAll();
    this.authors.clearAll();
  }

  private remember(product: Product): Product {
    this.products.prime(product.id, product);
    return product;
  }

  // The row type is named at the call, since `rows` cannot know it.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  private byId<Row extends { readonly id: string }, Item>(
    statement: { name: string; text: string },
    toItem: (row: Row) => Item,
  ): DataLoader<string, Item | null> {
    return new DataLoader(async (ids) => {
      const rows = await this.database.rows<Row>(statement, [ids]);
      const items = new Map(rows.map((row) => [row.id, toItem(row)]));
      return ids.map((id) => items.get(id) ?? null);
    });
  }

  private async readReviewTotals(productIds: readonly string[]): Promise<number[]> {
    const rows = await this.database.rows<{ product_id: string; total: number }>(
      {
        name: 'review_totals',
        text: `SELECT product_id, count(*)::integer AS total FROM reviews
                WHERE product_id = ANY ($1::uuid[]) AND ${PUBLIC_REVIEW} GROUP BY product_id`,
      },
      [productIds],
    );
    const totals = new Map(rows.map((row) => [row.product_id, row.total]));
    return productIds.map((id) => totals.get(id) ?? 0);
  }

  private async readReviewPages(keys: readonly ReviewPageKey[]): Promise<Array<Page<Review>>> {
    const requests = new Map<string, { page: PageRequest; productIds: string[] }>();
    for (const { productId, page } of keys) {
      const text = JSON.stringify(page);
      const request = requests.get(text) ?? { page, productIds: [] };
      requests.set(text, request);
      request.productIds.push(productId);
    }
    const pages = new Map<string, Page<Review>>();
    await Promise.all(
      Array.from(requests, async ([text, { page, productIds }]) => {
        const rows = await this.database.rows<ReviewRow & KeysetRow>(
          keysetStatement(REVIEWS_OF_PRODUCT, page),
          keysetValues(productIds, page),
        );
        for (const [productId, own] of groupByParent(rows)) {
          pages.set(`${productId} ${text}`, keysetPage(own, page, REVIEWS_OF_PRODUCT.kind, reviewOf));
        }
      }),
    );
    return keys.map(({ productId, page }) => pages.get(`${productId} ${JSON.stringify(page)}`)!);
  }
}

function groupByParent<Row extends KeysetRow>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.parent_id);
    if (group === undefined) groups.set(row.parent_id, [row]);
    else group.push(row);
  }
  return groups;
}
