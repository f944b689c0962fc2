import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import { createRowLoader } from '../database/row-loader.js';
import type { Viewer } from '../auth/viewer.js';
import { oncePerOperation, type RequestedFields } from '../graphql/requested-fields.js';
import type { Page } from '../pagination/page.js';
import type { Condition } from '../pagination/filter.js';
import { keysetPage, keysetPages, keysetSelection, type ChildKeysetRow, type KeysetRow } from '../pagination/keyset.js';
import type { ListCounts } from '../pagination/list-counts.js';
import { listKey, readList, type ListRequest } from '../pagination/list-request.js';
import { Product } from '../products/product.js';
import { Author } from './author.js';
import { createDecisionLoader } from './decision-loader.js';
import { createNodeLoader, type AnyNode } from './node-loader.js';
import type { ReviewDecision } from './review-decision.js';
import { Review } from './review.js';
import { OF_EXISTING_PRODUCT, reviewColumns, reviewOf, type ReadReviewRow } from './review-row.js';
import { VISIBLE_REVIEW } from './review-status.js';
import { createVoteLoader } from './vote-loader.js';

const REVIEWS_BY_ID = (fields: RequestedFields): string =>
  `SELECT id AS requested_key, ${reviewColumns(fields).join(', ')} FROM reviews WHERE id = ANY ($1::uuid[]) AND ${OF_EXISTING_PRODUCT}`;
const BY_ID = oncePerOperation((fields) => preparedStatement(REVIEWS_BY_ID(fields)));
const VISIBLE_BY_ID = oncePerOperation((fields) => preparedStatement(`${REVIEWS_BY_ID(fields)} AND ${VISIBLE_REVIEW}`));
const OF_VIEWER = oncePerOperation((fields) =>
  preparedStatement(
    `SELECT product_id AS requested_key, ${reviewColumns(fields).join(', ')} FROM reviews
      WHERE product_id = ANY ($1::uuid[])
        AND author_id = (SELECT a.id FROM authors a WHERE a.issuer = $2 AND a.subject = $3)`,
  ),
);
const AUTHOR_OF_VIEWER = {
  name: 'author_of_viewer',
  text: 'SELECT id, display_name FROM authors WHERE issuer = $1 AND subject = $2',
};
const AUTHORS_BY_ID = {
  name: 'authors_by_id',
  text: 'SELECT id AS requested_key, id, display_name FROM authors WHERE id = ANY ($1::uuid[]) AND erasure IS NULL',
};
const SELECTION = oncePerOperation((fields) => keysetSelection(fields, 'Review', reviewColumns(fields)));

interface AuthorRow {
  readonly id: string;
  readonly display_name: string | null;
}

interface OfProduct<T> {
  readonly productId: string;
  readonly asked: T;
}

/** The reviews that one request reads, with the fields that it asks for: one statement for all that one tick asks for. */
export class ReviewLoaders {
  /** The reviews that the caller may see. */
  readonly byId: DataLoader<string, Review | null>;
  /** Reviews of any status, for their authors: to be asked only for what the caller may see. */
  readonly ownById: DataLoader<string, Review | null>;
  /** The caller's reviews in any status, by their products; null where nobody is signed in. */
  readonly ofViewer: DataLoader<string, Review | null> | null;
  readonly authors: DataLoader<string, Author | null>;
  /** Anything that the caller may see, by its id. */
  readonly nodes: DataLoader<string, AnyNode | null>;
  /** For admins. */
  readonly decisions: DataLoader<string, ReviewDecision[]>;
  /** Whether the caller has marked reviews as helpful. */
  readonly votes: DataLoader<string, boolean>;
  private readonly lists: DataLoader<ListRequest, Page<Review>, string>;
  private readonly counts: DataLoader<Condition, number, string>;
  private readonly pagesOfProducts: DataLoader<OfProduct<ListRequest>, Page<Review>, string>;
  private readonly countsOfProducts: DataLoader<OfProduct<Condition>, number, string>;

  private readOwnAuthor: Promise<Author | null> | null = null;

  /** @param productsRead called with products that were read here before they are handed out */
  constructor(
    private readonly database: Database,
    private readonly fields: RequestedFields,
    private readonly viewer: Viewer | null,
    reviewCounts: ListCounts,
    private readonly productsRead: (products: readonly Product[]) => Promise<void> | undefined,
  ) {
    this.ownById = createRowLoader(database, () => BY_ID(fields), reviewOf);
    this.byId =
      viewer?.isAdmin === true
        ? this.ownById
        : createRowLoader(database, () => VISIBLE_BY_ID(fields), reviewOf, {
            values: [viewer?.issuer ?? null, viewer?.subject ?? null],
          });
    this.ofViewer =
      viewer &&
      createRowLoader(database, () => OF_VIEWER(fields), reviewOf, { values: [viewer.issuer, viewer.subject] });
    this.authors = createRowLoader(
      database,
      () => AUTHORS_BY_ID,
      (row: AuthorRow): Author => Author.of(row.id, row.display_name),
    );
    this.decisions = createDecisionLoader(database);
    this.votes = createVoteLoader(database, viewer);
    this.nodes = createNodeLoader(database, fields, viewer, (nodes) => this.nodesRead(nodes));
    this.lists = new DataLoader((lists) => Promise.all(lists.map((list) => this.readList(list))), {
      cacheKeyFn: listKey,
    });
    this.counts = new DataLoader(
      (conditions) => Promise.all(conditions.map((one) => reviewCounts.count(ofExistingProducts(one)))),
      { cacheKeyFn: (condition) => JSON.stringify(condition) },
    );
    this.pagesOfProducts = new DataLoader((keys) => this.readPagesOfProducts(keys), {
      cacheKeyFn: ({ productId, asked }) => `${productId} ${listKey(asked)}`,
    });
    this.countsOfProducts = new DataLoader((keys) => this.readCountsOfProducts(keys), {
      cacheKeyFn: (key) => JSON.stringify(key),
    });
  }

  /** The caller as an author; null where nobody is signed in, and before they have written anything. */
  ownAuthor(): Promise<Author | null> {
    this.readOwnAuthor ??= this.loadOwnAuthor();
    return this.readOwnAuthor;
  }

  /** A page of the product's reviews; one statement for all products that ask for the same page in one tick. */
  page(productId: string, request: ListRequest): Promise<Page<Review>> {
    return this.pagesOfProducts.load({ productId, asked: request });
  }

  /** How many reviews of the product meet the condition; one statement for all products that ask for it in one tick. */
  countOf(productId: string, condition: Condition): Promise<number> {
    return this.countsOfProducts.load({ productId, asked: condition });
  }

  /** A page of the reviews of all products: one statement, whoever else in the request asks for the same page. */
  list(request: ListRequest): Promise<Page<Review>> {
    return this.lists.load(request);
  }

  /** How many reviews of all products meet the condition: one statement for the whole request. */
  count(condition: Condition): Promise<number> {
    return this.counts.load(condition);
  }

  /** To be called after a mutation of this request changed reviews. */
  clearAll(): void {
    this.byId.clearAll();
    this.ownById.clearAll();
    this.ofViewer?.clearAll();
    this.readOwnAuthor = null;
    this.authors.clearAll();
    this.decisions.clearAll();
    this.votes.clearAll();
    this.nodes.clearAll();
    this.lists.clearAll();
    this.counts.clearAll();
    this.pagesOfProducts.clearAll();
    this.countsOfProducts.clearAll();
  }

  private async loadOwnAuthor(): Promise<Author | null> {
    if (this.viewer === null) return null;
    const { issuer, subject } = this.viewer;
    const [row] = await this.database.rows<AuthorRow>(AUTHOR_OF_VIEWER, [issuer, subject]);
    return row === undefined ? null : Author.of(row.id, row.display_name);
  }

  private nodesRead(nodes: readonly AnyNode[]): Promise<void> | undefined {
    for (const node of nodes) {
      if (node instanceof Review) this.byId.prime(node.id, node);
      else if (node instanceof Author) this.authors.prime(node.id, node);
    }
    return this.productsRead(nodes.filter((node) => node instanceof Product));
  }

  private async readList(request: ListRequest): Promise<Page<Review>> {
    const list = { ...request, table: 'reviews', condition: ofExistingProducts(request.condition) };
    type Row = ReadReviewRow & KeysetRow;
    const rows = await readList<Row>(this.database, list, SELECTION(this.fields), request.page, null);
    return keysetPage(rows, request.page, request, reviewOf);
  }

  private async readPagesOfProducts(keys: ReadonlyArray<OfProduct<ListRequest>>): Promise<Array<Page<Review>>> {
    const pages = await eachGroup(keys, listKey, async (request, productIds) => {
      const list = { ...request, table: 'reviews' };
      const products = { column: 'product_id', ids: productIds };
      type Row = ReadReviewRow & ChildKeysetRow;
      const rows = await readList<Row>(this.database, list, SELECTION(this.fields), request.page, products);
      return keysetPages(rows, request.page, request, reviewOf);
    });
    return keys.map(({ productId, asked }) => pages.get(listKey(asked))!.get(productId)!);
  }

  private async readCountsOfProducts(keys: ReadonlyArray<OfProduct<Condition>>): Promise<number[]> {
    const counts = await eachGroup(keys, JSON.stringify, async ({ text, values }, productIds) => {
      const { rows } = await this.database.query({
        text: `SELECT product_id, count(*)::integer AS total FROM reviews
                WHERE product_id = ANY ($${values.length + 1}::uuid[]) AND ${text} GROUP BY product_id`,
        values: [...values, productIds],
      });
      return new Map((rows as Array<{ product_id: string; total: number }>).map((row) => [row.product_id, row.total]));
    });
    return keys.map(({ productId, asked }) => counts.get(JSON.stringify(asked))!.get(productId) ?? 0);
  }
}

function ofExistingProducts(condition: Condition): Condition {
  return { ...condition, text: `${condition.text} AND ${OF_EXISTING_PRODUCT}` };
}

/** What `read` answers for the products that ask for the same, by the key of what they ask for. */
async function eachGroup<T, Read>(
  keys: ReadonlyArray<OfProduct<T>>,
  keyOf: (asked: T) => string,
  read: (asked: T, productIds: string[]) => Promise<Read>,
): Promise<Map<string, Read>> {
  const groups = new Map<string, { asked: T; productIds: string[] }>();
  for (const { productId, asked } of keys) {
    const key = keyOf(asked);
    const group = groups.get(key) ?? { asked, productIds: [] };
    groups.set(key, group);
    group.productIds.push(productId);
  }
  const entries = Array.from(
    groups,
    async ([key, { asked, productIds }]) => [key, await read(asked, productIds)] as const,
  );
  return new Map(await Promise.all(entries));
}
