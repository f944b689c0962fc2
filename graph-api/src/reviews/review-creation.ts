import type { Viewer } from '../auth/viewer.js';
import type { Database } from '../database/database.js';
import { BUSY, GroupCommit, type WaitFor } from '../database/group-commit.js';
import { isLockTimeout, leavesConnectionUsable, retryOnDeadlock } from '../database/postgres-errors.js';
import { serviceUnavailable } from '../graphql/errors.js';
import { hashInput } from '../graphql/idempotency-key.js';
import { newId } from '../graphql/ids.js';
import {
  ratedProductOf,
  REVIEW_CHANGE_COLUMNS,
  reviewResultOf,
  type RatedProduct,
  type ReviewChangeRow,
  type ReviewResult,
} from './review-change.js';
import type { ReviewStatus } from './review-status.js';

/** A valid new review. */
export interface NewReview {
  /** 1 to 5 stars. */
  readonly rating: number;
  readonly title?: string | null;
  readonly body?: string | null;
}

/** A review to create, under an id that it keeps however often it is sent. */
export interface ReviewCreation {
  readonly id: string;
  readonly viewer: Viewer;
  readonly productId: string;
  readonly input: NewReview;
  /** Under which the caller may send it again; null where they gave none. */
  readonly idempotencyKey: string | null;
  /** Whether the answer shows the product and its rating. */
  readonly withProduct: boolean;
}

/** What a batch holds is bounded by time rather than size: 200 reviews take PostgreSQL some 10 ms. */
const MAX_BATCH = 200;

/** Reviews that wait or are being written. HTTP has its own limit (`GRAPHQL_MAX_CONCURRENT_REQUESTS`), and one request may bring several. */
const MAX_PENDING = 2_000;

const CREATE_REVIEWS = {
  name: 'create_reviews',
  text: `SELECT nth, ${REVIEW_CHANGE_COLUMNS} FROM create_reviews($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
};

/** The same for batches in which somebody has a key. */
const CREATE_REVIEWS_ONCE = {
  name: 'create_reviews_once',
  text: `SELECT nth, ${REVIEW_CHANGE_COLUMNS}
           FROM create_reviews_once($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
};

/**
 * Creates reviews by group commit: those that arrive while a transaction is under way are one transaction.
 * @param status the one that new reviews get
 */
export function createReviewCreation(
  database: Database,
  status: ReviewStatus,
  eventsCommitted: () => void,
): GroupCommit<ReviewCreation, ReviewResult> {
  return new GroupCommit<ReviewCreation, ReviewResult>({
    keyOf: ({ productId }) => productId,
    commit: async (begin, waitFor) => {
      let creations: readonly ReviewCreation[] = [];
      const rows = await retryOnDeadlock(() => createReviews(database, () => (creations = begin()), status, waitFor));
      if (rows.some(({ outcome }) => outcome === 'CREATED')) eventsCommitted();
      return outcomesOf(creations, rows);
    },
    isRefusal: leavesConnectionUsable,
    isLockTimeout,
    unavailable: () => serviceUnavailable('Too many reviews are being written. Try again in a moment.'),
    maxBatch: MAX_BATCH,
    maxPending: MAX_PENDING,
  });
}

type CreationRow = ReviewChangeRow & { readonly nth: number | null };

async function createReviews(
  database: Database,
  begin: () => readonly ReviewCreation[],
  status: ReviewStatus,
  waitFor: WaitFor,
): Promise<CreationRow[]> {
  const { rows } = await database.changeForAll((validUntilMs) => {
    const creations = begin();
    if (creations.length === 0) return null;
    const column = <T>(valueOf: (creation: ReviewCreation) => T): T[] => creations.map(valueOf);
    const values = [
      column(({ id }) => id),
      column(({ productId }) => productId),
      column(() => newId()),
      column(({ viewer }) => viewer.issuer),
      column(({ viewer }) => viewer.subject),
      column(({ viewer }) => viewer.displayName),
      column(({ input }) => input.rating),
      column(({ input }) => input.title ?? null),
      column(({ input }) => input.body ?? null),
      column(({ viewer }) => purchasesJson(viewer)),
      column(({ withProduct }) => withProduct),
      status,
      waitFor !== 'nothing',
      waitFor === 'everything',
      validUntilMs,
    ];
    if (creations.every(({ idempotencyKey }) => idempotencyKey === null)) return { ...CREATE_REVIEWS, values };
    const keys = column(({ idempotencyKey }) => idempotencyKey);
    return { ...CREATE_REVIEWS_ONCE, values: [...values, keys, column(inputHashOf)] };
  });
  return rows as CreationRow[];
}

/** What the author has bought, as `create_reviews` reads it. */
function purchasesJson({ purchases }: Viewer): string | null {
  if (purchases === undefined) return null;
  return JSON.stringify(purchases === 'EVERYTHING' ? true : purchases);
}

function inputHashOf({ idempotencyKey, productId, input }: ReviewCreation): Buffer | null {
  const { rating, title = null, body = null } = input;
  return idempotencyKey === null ? null : hashInput('createReview', [productId, rating, title, body]);
}

function outcomesOf(
  creations: readonly ReviewCreation[],
  rows: readonly CreationRow[],
): Array<ReviewResult | typeof BUSY> {
  const products = new Map<string, RatedProduct>();
  const outcomes = new Array<ReviewResult | typeof BUSY>(creations.length);
  for (const row of rows) {
    const rated = row.nth === null ? ratedProductOf(row) : null;
    if (rated !== null) products.set(rated.product.id, rated);
  }
  for (const row of rows) {
    if (row.nth === null) continue;
    const { productId, withProduct } = creations[row.nth - 1]!;
    const rated = withProduct ? (products.get(productId) ?? null) : null;
    outcomes[row.nth - 1] = row.outcome === 'BUSY' ? BUSY : creationResultOf(row, productId, rated);
  }
  return outcomes;
}

function creationResultOf(row: CreationRow, productId: string, rated: RatedProduct | null): ReviewResult {
  if (row.outcome !== 'CREATED' || row.id !== null) return reviewResultOf(row, rated);
  return { status: 'GONE', productId, ratingVersion: row.rating_version, rated };
}
