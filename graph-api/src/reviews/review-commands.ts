import type { Viewer } from '../auth/viewer.js';
import { retryOnDeadlock, violatedConstraint } from '../database/postgres-errors.js';
import type { Database } from '../database/database.js';
import type { GroupCommit } from '../database/group-commit.js';
import type { Lifetime } from '../database/lifetime.js';
import { newId } from '../graphql/ids.js';
import {
  ratedProductOf,
  REVIEW_CHANGE_COLUMNS,
  reviewResultOf,
  type ReviewChangeRow,
  type ReviewResult,
} from './review-change.js';
import { ReviewStatus } from './review-status.js';
import { createReviewCreation, type NewReview, type ReviewCreation } from './review-creation.js';

/** Valid changes of a review: an absent field stays as it is, null clears the title or the body. */
export interface ReviewChanges {
  readonly expectedVersion?: number | null;
  readonly rating?: number | null;
  readonly title?: string | null;
  readonly body?: string | null;
}

/** A valid decision about a review. */
export interface ReviewModeration {
  readonly status: ReviewStatus;
  readonly reason?: string | null;
  readonly expectedVersion?: number | null;
}

/** What a request wants of a command. */
export interface CommandOptions {
  /** Whether the answer shows the product and its rating. */
  readonly withProduct: boolean;
  /** Of the request: what has not begun when it ends is not begun. */
  readonly lifetime: Lifetime;
}

/** Outcomes of changes that wrote an event. */
const WITH_EVENT: ReadonlySet<ReviewChangeRow['outcome']> = new Set(['UPDATED', 'DELETED', 'MODERATED']);

/**
 * What changes reviews; each method is one function of the database (see `sql/migrations/0005-review-functions.sql`, and
 * `0006-moderation.sql`), so one round
 * trip and one transaction, which answers all that a payload shows. The triggers take the sequence number and write the event.
 * Inputs are validated by the caller.
 */
export class ReviewCommands {
  private readonly creation: GroupCommit<ReviewCreation, ReviewResult>;

  constructor(
    private readonly database: Database,
    /** Called after a commit that wrote an event. */
    private readonly eventsCommitted: () => void,
    /** Whether new and changed reviews wait for a decision. */
    private readonly moderated: boolean,
  ) {
    const status = moderated ? ReviewStatus.PENDING : ReviewStatus.PUBLISHED;
    this.creation = createReviewCreation(database, status, eventsCommitted);
  }

  /** Sent again under the same key, it is answered what was decided. */
  create(
    viewer: Viewer,
    productId: string,
    input: NewReview,
    idempotencyKey: string | null,
    { withProduct, lifetime }: CommandOptions,
  ): Promise<ReviewResult> {
    return this.creation.submit({ id: newId(), viewer, productId, input, idempotencyKey, withProduct }, lifetime);
  }

  /** Only the author may; absent fields stay, null clears. */
  update(viewer: Viewer, reviewId: string, input: ReviewChanges, options: CommandOptions): Promise<ReviewResult> {
    return this.run(
      {
        name: 'update_review',
        text: `SELECT ${REVIEW_CHANGE_COLUMNS} FROM update_review($1, $2, $3, $4, $5, $6::smallint, $7, $8, $9, $10, $11, $12, $13)`,
      },
      [
        reviewId,
        viewer.issuer,
        viewer.subject,
        viewer.displayName,
        input.expectedVersion ?? null,
        input.rating ?? null,
        input.title !== undefined,
        input.title ?? null,
        input.body !== undefined,
        input.body ?? null,
        this.moderated ? ReviewStatus.PENDING : null,
        options.withProduct,
      ],
      options,
    );
  }

  /** The author may, and an admin. */
  delete(
    viewer: Viewer,
    reviewId: string,
    expectedVersion: number | null,
    options: CommandOptions,
  ): Promise<ReviewResult> {
    return this.run(
      { name: 'delete_review', text: `SELECT ${REVIEW_CHANGE_COLUMNS} FROM delete_review($1, $2, $3, $4, $5, $6, $7)` },
      [reviewId, viewer.issuer, viewer.subject, viewer.isAdmin, expectedVersion, options.withProduct],
      options,
    );
  }

  /** For admins: publishes or rejects. */
  moderate(viewer: Viewer, reviewId: string, input: ReviewModeration, options: CommandOptions): Promise<ReviewResult> {
    return this.run(
      {
        name: 'moderate_review',
        text: `SELECT ${REVIEW_CHANGE_COLUMNS} FROM moderate_review($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      },
      [
        reviewId,
        newId(),
        viewer.issuer,
        viewer.subject,
        viewer.displayName,
        input.expectedVersion ?? null,
        input.status,
        input.reason ?? null,
        options.withProduct,
      ],
      options,
    );
  }

  /** @param values of all parameters but the last one, the time until which the change is valid */
  private async run(
    statement: { name: string; text: string },
    values: unknown[],
    { lifetime }: CommandOptions,
  ): Promise<ReviewResult> {
    let row: ReviewChangeRow;
    try {
      const { rows } = await retryOnDeadlock(() =>
        this.database.change(lifetime, (validUntilMs) => ({ ...statement, values: [...values, validUntilMs] })),
      );
      row = rows[0] as ReviewChangeRow;
    } catch (error) {
      // The product was deleted between the function's look and its change.
      if (violatedConstraint(error) === 'reviews_product_id_fkey') return { status: 'NOT_FOUND' };
      throw error;
    }
    if (WITH_EVENT.has(row.outcome)) this.eventsCommitted();
    return reviewResultOf(row, ratedProductOf(row));
  }
}
