import { ReviewStatus } from './review-status.js';
import { Review } from './review.js';
import { oncePerOperation } from '../graphql/requested-fields.js';

export interface ReviewRow {
  readonly id: string;
  readonly product_id: string;
  readonly author_id: string | null;
  readonly rating: number;
  readonly title: string | null;
  readonly body: string | null;
  readonly status: ReviewStatus;
  readonly moderation_reason: string | null;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A row of which some columns were read. */
export type ReadReviewRow = Partial<ReviewRow> & Pick<ReviewRow, 'id'>;

type ReviewColumn = keyof ReviewRow;

/** The columns that each field of a review is made of, besides its id. */
const COLUMNS_OF_FIELD: Readonly<Record<string, readonly ReviewColumn[]>> = {
  product: ['product_id'],
  author: ['author_id'],
  rating: ['rating'],
  title: ['title'],
  body: ['body'],
  status: ['status'],
  moderationReason: ['status', 'moderation_reason'],
  version: ['version'],
  createdAt: ['created_at'],
  updatedAt: ['updated_at'],
};

/** All columns that a review is made of, as SQL. */
export const REVIEW_COLUMNS = [...new Set(['id', ...Object.values(COLUMNS_OF_FIELD).flat()])].join(', ');

/** The columns of the fields that are asked for: no other is read. */
export const reviewColumns = oncePerOperation((fields) => fields.columns('Review', COLUMNS_OF_FIELD));

/** A review with the fields whose columns were read. */
export function reviewOf(row: ReadReviewRow): Review {
  const review = new Review();
  review.id = row.id;
  review.productId = row.product_id!;
  review.authorId = row.author_id!;
  review.rating = row.rating!;
  review.title = row.title!;
  review.body = row.body!;
  review.status = row.status!;
  // A person in psql who publishes it leaves the reason.
  review.moderationReason = row.status === ReviewStatus.REJECTED ? row.moderation_reason! : null;
  review.version = row.version!;
  review.createdAt = row.created_at!;
  review.updatedAt = row.updated_at!;
  return review;
}

/** The condition under which a review exists: those of a deleted product are still being removed. */
export const OF_EXISTING_PRODUCT =
  'EXISTS (SELECT FROM products p WHERE p.id = reviews.product_id AND p.deleted_at IS NULL)';
