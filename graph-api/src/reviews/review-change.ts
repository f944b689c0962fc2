import { AGGREGATE_COLUMNS, ratingStateOf, type AggregateRow } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { Product } from '../products/product.js';
import { productOfRecord, productRecordColumns } from '../products/product-record.js';
import { Author } from './author.js';
import type { RefusedReview, ReviewRefusal } from './review-refusal.js';
import { reviewOf, reviewRecordColumns, type ReviewRow } from './review-row.js';
import type { Review } from './review.js';

/** A product, and its rating with the change in it. */
export interface RatedProduct {
  readonly product: Product;
  readonly rating: RatingState;
}

/** What a command answers: all that a payload shows, as it is after the change. */
export type ReviewResult =
  | {
      readonly status: 'DONE';
      /** A deleted review as it was. */
      readonly review: Review;
      /** Null for a deleted review. */
      readonly author: Author | null;
      readonly ratingVersion: number;
      /** Null where it was not asked for. */
      readonly rated: RatedProduct | null;
    }
  /** The repetition of a creation, whose review was deleted since. */
  | {
      readonly status: 'GONE';
      readonly productId: string;
      readonly ratingVersion: number;
      readonly rated: RatedProduct | null;
    }
  | RefusedReview;

/** A row that the functions of `sql/migrations/0005-review-functions.sql` answer, as `REVIEW_CHANGE_COLUMNS` selects it. */
export type ReviewChangeRow = ReviewRow &
  AggregateRow & {
    /** Null in a row of `create_reviews` that is about a product. */
    readonly outcome: 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'DELETED' | 'MODERATED' | 'BUSY' | ReviewRefusal | null;
    readonly rating_version: number;
    readonly author_name: string | null;
  };

const RATING = AGGREGATE_COLUMNS.map((column) => `(rating).${column}`);

/** The SELECT list for the functions' answer: the review's columns by their names, as are the rating's. */
export const REVIEW_CHANGE_COLUMNS = [
  'outcome, rating_version, author_name',
  ...reviewRecordColumns('review'),
  productRecordColumns('product'),
  ...RATING,
].join(', ');

/** The product of a row, with its rating; null where it has none. */
export function ratedProductOf(row: ReviewChangeRow): RatedProduct | null {
  const product = productOfRecord('product', row);
  return product === null ? null : { product, rating: ratingStateOf(row) };
}

/**
 * The result of a change of a review that was there when it was decided.
 * @param rated the product, if it was asked for
 */
export function reviewResultOf(row: ReviewChangeRow, rated: RatedProduct | null): ReviewResult {
  switch (row.outcome) {
    case 'CREATED':
    case 'UPDATED':
    case 'UNCHANGED':
    case 'MODERATED':
      return { status: 'DONE', ...writtenReviewOf(row), ratingVersion: row.rating_version, rated };
    case 'DELETED':
      return { status: 'DONE', review: reviewOf(row), author: null, ratingVersion: row.rating_version, rated };
    case 'BUSY':
    case null:
      throw new Error(`a row with the outcome ${row.outcome} is no result of a command`);
    case 'ALREADY_REVIEWED':
      return row.id === null
        ? { status: row.outcome, review: null, author: null }
        : { status: row.outcome, ...writtenReviewOf(row) };
    case 'VERSION_CONFLICT':
    case 'INVALID_TRANSITION':
      return { status: row.outcome, ...writtenReviewOf(row) };
    default:
      return { status: row.outcome };
  }
}

/** A review that there is, and its author; null once their data was erased. */
function writtenReviewOf(row: ReviewChangeRow): { readonly review: Review; readonly author: Author | null } {
  return { review: reviewOf(row), author: row.author_id === null ? null : Author.of(row.author_id, row.author_name) };
}
