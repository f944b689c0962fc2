import type { Viewer } from '../auth/viewer.js';
import type { Database } from '../database/database.js';
import type { Lifetime } from '../database/lifetime.js';
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
  reply(viewer: Viewer, reviewId: string, body: string | null, lifetime: Lifetime): Promise<AnnotationResult> {
    return this.run(
      { name: 'reply_to_review', text: `SELECT ${COLUMNS} FROM reply_to_review($1, $2, $3, $4, $5, $6, $7)` },
      [reviewId, newId(), viewer.issuer, viewer.subject, viewer.displayName, body],
      lifetime,
    );
  }

  /** For admins. */
  setVerifiedPurchase(reviewId: string, verified: boolean, lifetime: Lifetime): Promise<AnnotationResult> {
    return this.run(
      { name: 'set_verified_purchase', text: `SELECT ${COLUMNS} FROM set_verified_purchase($1, $2, $3)` },
      [reviewId, verified],
      lifetime,
    );
  }

  /** A vote, or with `false` taking it back; either twice is as good as once. */
  markHelpful(viewer: Viewer, reviewId: string, helpful: boolean, lifetime: Lifetime): Promise<AnnotationResult> {
    return this.run(
      {
        name: 'mark_review_helpful',
        // The count after the vote, which the row's own look-up does not see.
        text: `SELECT ${COLUMNS}, helpful_count AS votes FROM mark_review_helpful($1, $2, $3, $4, $5, $6, $7)`,
      },
      [reviewId, newId(), viewer.issuer, viewer.subject, viewer.displayName, helpful],
      lifetime,
    );
  }

  /** @param values of all parameters but the last one, the time until which the change is valid */
  private async run(
    statement: { name: string; text: string },
    values: unknown[],
    lifetime: Lifetime,
  ): Promise<AnnotationResult> {
    try {
      const { rows } = await retryOnDeadlock(() =>
        this.database.change(lifetime, (validUntilMs) => ({ ...statement, values: [...values, validUntilMs] })),
      );
      const row = rows[0] as AnnotationRow;
      return row.outcome === 'DONE' ? { status: 'DONE', review: reviewOf(row) } : { status: row.outcome };
    } catch (error) {
      // The review was deleted between the function's look and its vote.
      if (violatedConstraint(error) === 'review_votes_review_id_fkey') return { status: 'NOT_FOUND' };
      throw error;
    }
  }
}
