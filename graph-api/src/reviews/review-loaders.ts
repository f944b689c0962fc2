import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import { createRowLoader } from '../database/row-loader.js';
import type { Viewer } from '../auth/viewer.js';
import { oncePerOperation, type RequestedFields } from '../graphql/requested-fields.js';
import type { Page } from '../pagination/page.js';
import {
  keysetPage,
  keysetPages,
  keysetQuery,
  keysetSelection,
  type ChildKeysetRow,
  type KeysetRow,
} from '../pagination/keyset.js';
import { pageKey, type PageRequest } from '../pagination/page-arguments.js';
import { Author } from './author.js';
import { createDecisionLoader } from './decision-loader.js';
import { createVoteLoader } from './helpful-votes.js';
import type { ReviewCounts } from './review-count.js';
import type { ReviewDecision } from './review-decision.js';
import type { ReviewCondition } from './review-filter.js';
import type { Review } from './review.js';
import { OF_EXISTING_PRODUCT, reviewColumns, reviewOf, type ReadReviewRow } from './review-row.js';
import { PUBLIC_REVIEW, VISIBLE_REVIEW } from './review-status.js';

const REVIEWS_OF_PRODUCT = {
  kind: 'review',
  table: 'reviews',
  condition: `product_id = parent.id AND ${PUBLIC_REVIEW}`,
} as const;

const REVIEWS_BY_ID = (fields: RequestedFields): string =>
  `SELECT id AS requested_key, ${reviewColumns(fields).join(', ')} FROM reviews WHERE id = ANY ($1::uuid[]) AND ${OF_EXISTING_PRODUCT}`;
const BY_ID = oncePerOperation((fields) => preparedStatement(REVIEWS_BY_ID(fields)));
const VISIBLE_BY_ID = oncePerOperation((fields) => preparedStatement(`${REVIEWS_BY_ID(fields)} AND ${VISIBLE_REVIEW}`));
const AUTHORS_BY_ID = {
  name: 'authors_by_id',
  text: 'SELECT id AS requested_key, id, display_name FROM authors WHERE id = ANY ($1::uuid[])',
};
const SELECTION = oncePerOperation((fields) => keysetSelection(fields, 'Review', reviewColumns(fields)));

/** A page of reviews of all products. */
export interface ReviewList {
  readonly condition: ReviewCondition;
  /** Oldest first. */
  readonly ascending: boolean;
  readonly page: PageRequest;
}

interface PageOfProduct {
  readonly productId: string;
  readonly page: PageRequest;
}

/** The reviews that one request reads, with the fields that it asks for: one statement for all that one tick asks for. */
export class ReviewLoaders {
  /** The reviews that the caller may see. */
  readonly byId: DataLoader<string, Review | null>;
  /** Reviews of any status, for their authors: to be asked only for what the caller may see. */
  readonly ownById: DataLoader<string, Review | null>;
  readonly authors: DataLoader<string, Author | null>;
  /** For admins. */
  readonly decisions: DataLoader<string, ReviewDecision[]>;
  /** Whether the caller has marked reviews as helpful. */
  readonly votes: DataLoader<string, boolean>;
  private readonly lists: DataLoader<ReviewList, Page<Review>, string>;
  private readonly pages: DataLoader<PageOfProduct, Page<Review>, string>;

  constructor(
    private readonly database: Database,
    private readonly fields: RequestedFields,
    viewer: Viewer | null,
    private readonly counts: ReviewCounts,
  ) {
    this.ownById = createRowLoader(database, () => BY_ID(fields), reviewOf);
    this.byId =
      viewer?.isAdmin === true
        ? this.ownById
        : createRowLoader(database, () => VISIBLE_BY_ID(fields), reviewOf, {
            values: [viewer?.issuer ?? null, viewer?.subject ?? null],
          });
    this.authors = createRowLoader(
      database,
      () => AUTHORS_BY_ID,
      (row: { id: string; display_name: string | null }): Author => Author.of(row.id, row.display_name),
    );
    this.decisions = createDecisionLoader(database);
    this.votes = createVoteLoader(database, viewer);
    this.lists = new DataLoader((lists) => Promise.all(lists.map((list) => this.readList(list))), {
      cacheKeyFn: (list) => JSON.stringify(list),
    });
    this.pages = new DataLoader((keys) => this.readPages(keys), {
      cacheKeyFn: ({ productId, page }) => `${productId} ${pageKey(page)}`,
    });
  }

  /** A page of the product's published reviews; one statement for all products that ask for the same page in one tick. */
  page(productId: string, page: PageRequest): Promise<Page<Review>> {
    return this.pages.load({ productId, page });
  }

  /** One statement, whoever else in the request asks for the same page. */
  list(list: ReviewList): Promise<Page<Review>> {
    return this.lists.load(list);
  }

  /** How many reviews meet the condition. */
  count(condition: ReviewCondition): Promise<number> {
    return this.counts.count(condition);
  }

  /** To be called after a mutation of this request changed reviews. */
  clearAll(): void {
    this.byId.clearAll();
    this.ownById.clearAll();
    this.authors.clearAll();
    this.decisions.clearAll();
    this.votes.clearAll();
    this.lists.clearAll();
    this.pages.clearAll();
  }

  private async readList({ condition, ascending, page }: ReviewList): Promise<Page<Review>> {
    const list = { kind: 'review', table: 'reviews', condition: condition.text, values: condition.values, ascending };
    const { text, values } = keysetQuery(list, SELECTION(this.fields), page, null);
    const rows = await this.database.rows<ReadReviewRow & KeysetRow>(preparedStatement(text), values);
    return keysetPage(rows, page, list.kind, reviewOf);
  }

  private async readPages(keys: readonly PageOfProduct[]): Promise<Array<Page<Review>>> {
    const requests = new Map<string, { page: PageRequest; productIds: string[] }>();
    for (const { productId, page } of keys) {
      const key = pageKey(page);
      const request = requests.get(key) ?? { page, productIds: [] };
      requests.set(key, request);
      request.productIds.push(productId);
    }
    const pages = new Map<string, Map<string, Page<Review>>>();
    await Promise.all(
      Array.from(requests, async ([key, { page, productIds }]) => {
        const { text, values } = keysetQuery(REVIEWS_OF_PRODUCT, SELECTION(this.fields), page, productIds);
        const rows = await this.database.rows<ReadReviewRow & ChildKeysetRow>(preparedStatement(text), values);
        pages.set(key, keysetPages(rows, page, REVIEWS_OF_PRODUCT.kind, reviewOf));
      }),
    );
    return keys.map(({ productId, page }) => pages.get(pageKey(page))!.get(productId)!);
  }
}
