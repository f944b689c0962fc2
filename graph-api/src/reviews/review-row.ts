import { ReviewStatus } from './review-status.js';
import { Review } from './review.js';
import { ReviewReply } from './review-reply.js';
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
  readonly verified_purchase: boolean;
  readonly reply_body: string | null;
  readonly replied_at: Date | null;
  readonly reply_author_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  /** How many helpful votes it has, which stand in a table of their own. */
  readonly votes: number;
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
  verifiedPurchase: ['verified_purchase'],
  reply: ['reply_body', 'replied_at', 'reply_author_id'],
  helpfulCount: ['votes'],
  createdAt: ['created_at'],
  updatedAt: ['updated_at'],
};

/** `votes` of a review by its id; not called as its column is, which lists are ordered by. */
const votesOf = (id: string): string =>
  `coalesce((SELECT c.helpful_count FROM review_vote_counts c WHERE c.review_id = ${id}), 0) AS votes`;

/** The names of the columns of the fields that are asked for. */
export const reviewColumnNames = oncePerOperation((fields) => fields.columns('Review', COLUMNS_OF_FIELD));

/** The same columns of the table `reviews`, as SQL: no other is read. */
export const reviewColumns = oncePerOperation((fields) =>
  reviewColumnNames(fields).map((column) => (column === 'votes' ? votesOf('reviews.id') : column)),
);

/** All columns of a record of `reviews` that a statement answers, for its SELECT list. */
export function reviewRecordColumns(record: string): string[] {
  const columns = ['id', ...new Set(Object.values(COLUMNS_OF_FIELD).flat())];
  return columns.map((column) => (column === 'votes' ? votesOf(`(${record}).id`) : `(${record}).${column}`));
}

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
  review.verifiedPurchase = row.verified_purchase!;
  review.reply = row.reply_body == null ? null : replyOf(row);
  review.helpfulCount = row.votes!;
  review.createdAt = row.created_at!;
  review.updatedAt = row.updated_at!;
  return review;
}

function replyOf(row: ReadReviewRow): ReviewReply {
  return Object.assign(new ReviewReply(), {
    body: row.reply_body,
    repliedAt: row.replied_at,
    authorId: row.reply_author_id,
  });
}

/** The condition under which a review exists: those of a deleted product are still being removed. */
export const OF_EXISTING_PRODUCT =
  'EXISTS (SELECT FROM products p WHERE p.id = reviews.product_id AND p.deleted_at IS NULL)';
