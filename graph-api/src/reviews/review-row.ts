import type { ReviewStatus } from './review-status.js';
import { Review } from './review.js';

export interface ReviewRow {
  readonly id: string;
  readonly product_id: string;
  readonly author_id: string | null;
  readonly rating: number;
  readonly title: string | null;
  readonly body: string | null;
  readonly status: ReviewStatus;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const REVIEW_COLUMNS = 'id, product_id, author_id, rating, title, body, status, version, created_at, updated_at';

export function reviewOf(row: ReviewRow): Review {
  const review = new Review();
  review.id = row.id;
  review.productId = row.product_id;
  review.authorId = row.author_id;
  review.rating = row.rating;
  review.title = row.title;
  review.body = row.body;
  review.status = row.status;
  review.version = row.version;
  review.createdAt = row.created_at;
  review.updatedAt = row.updated_at;
  return review;
}

/** The condition under which a review exists: those of a deleted product are still being removed. */
export const OF_EXISTING_PRODUCT =
  'EXISTS (SELECT FROM products p WHERE p.id = reviews.product_id AND p.deleted_at IS NULL)';
