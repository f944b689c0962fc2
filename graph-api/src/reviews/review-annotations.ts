import type { Viewer } from '../auth/viewer.js';
import type { Database } from '../database/database.js';
import { retryOnDeadlock, violatedConstraint } from '../database/postgres-errors.js';
import { newId } from '../graphql/ids.js';
import { reviewOf, reviewRecordColumns, type ReviewRow } from './review-row.js';
import type { Review } from './review.js';

/** Why nothing was added to a review. */
export type AnnotationRefusal = 'NOT_FOUND' | 'OWN_REVIEW';

/** The review as it is then, or why it is as it was. */
export type AnnotationResult =
  { readonly status: 'DONE'; readonly review: Review } | { readonly status: AnnotationRefusal };

type AnnotationRow = ReviewRow & { readonly outcome: 'DONE' | AnnotationRefusal };

const COLUMNS = ['outcome', ...reviewRecordColumns('review')].join(', ');

/**
 * What others than its author add to a review; each method is one function of the database (`sql/migrations/0008-community.sql`), so
 * one round trip and one transaction. None of it is a rating event. Inputs are validated by the caller.
 */
export class ReviewAnnotations {
  constructor(private readonly database: Database) {}

  /** For admins. A null body takes the reply back. */
  reply(viewer: Viewer, reviewId: string, body: string | null, signal: AbortSignal): Promise<AnnotationResult> {
    return this.run(
      { name: 'reply_to_review', text: `SELECT ${COLUMNS} FROM reply_to_review($1, $2, $3, $4, $5, $6)` },
      [reviewId, newId(), viewer.issuer, viewer.subject, viewer.displayName, body],
      signal,
    );
  }

  /** For admins. */
  setVerifiedPurchase(reviewId: string, verified: boolean, signal: AbortSignal): Promise<AnnotationResult> {
    return this.run(
      { name: 'set_verified_purchase', text: `SELECT ${COLUMNS} FROM set_verified_purchase($1, $2)` },
      [reviewId, verified],
      signal,
    );
  }

  /** A vote, or with `false` taking it back; either twice is as good as once. */
  markHelpful(viewer: Viewer, reviewId: string, helpful: boolean, signal: AbortSignal): Promise<AnnotationResult> {
    return this.run(
      {
        name: 'mark_review_helpful',
        // The count after the vote, which the row's own look-up does not see.
        text: `SELECT ${COLUMNS}, helpful_count AS votes FROM mark_review_helpful($1, $2, $3, $4, $5, $6)`,
      },
      [reviewId, newId(), viewer.issuer, viewer.subject, viewer.displayName, helpful],
      signal,
    );
  }

  private async run(
    statement: { name: string; text: string },
    values: unknown[],
    signal: AbortSignal,
  ): Promise<AnnotationResult> {
    signal.throwIfAborted();
    try {
      const { rows } = await retryOnDeadlock(() => this.database.write({ ...statement, values }));
      const row = rows[0] as AnnotationRow;
      return row.outcome === 'DONE' ? { status: 'DONE', review: reviewOf(row) } : { status: row.outcome };
    } catch (error) {
      // The review was deleted between the function's look and its vote.
      if (violatedConstraint(error) === 'review_votes_review_id_fkey') return { status: 'NOT_FOUND' };
      throw error;
    }
  }
}
