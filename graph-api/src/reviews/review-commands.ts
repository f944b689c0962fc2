import type { Viewer } from '../auth/viewer.js';
import { violatedConstraint, retryOnDeadlock } from '../database/postgres-errors.js';
import type { Database } from '../database/database.js';
import { newId } from '../graphql/ids.js';

/** A valid new review. */
export interface NewReview {
  /** 1 to 5 stars. */
  readonly rating: number;
  readonly title?: string | null;
  readonly body?: string | null;
}

/** Valid changes of a review: an absent field stays as it is, null clears the title or the body. */
export interface ReviewChanges {
  readonly expectedVersion?: number | null;
  readonly rating?: number | null;
  readonly title?: string | null;
  readonly body?: string | null;
}

/** Why a command changed nothing. */
export type ReviewRefusal = 'NOT_FOUND' | 'ALREADY_REVIEWED' | 'FORBIDDEN' | 'VERSION_CONFLICT';

export type ReviewResult =
  | { readonly status: 'DONE'; readonly reviewId: string; readonly productId: string; readonly ratingVersion: number }
  | { readonly status: ReviewRefusal };

interface ResultRow {
  readonly outcome: 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'DELETED' | ReviewRefusal;
  readonly review_id: string;
  readonly product_id: string;
  readonly rating_version: number;
}

/**
 * What changes reviews; each method is one function of the database (see `sql/migrations/0004-review-functions.sql`), so
 * one round trip and one transaction. The triggers take the sequence number and write the event. Inputs are validated by
 * the caller.
 */
export class ReviewCommands {
  constructor(
    private readonly database: Database,
    /** Called after a commit that wrote an event. */
    private readonly eventsCommitted: () => void,
  ) {}

  create(viewer: Viewer, productId: string, input: NewReview): Promise<ReviewResult> {
    return this.run(
      {
        name: 'create_review',
        text: 'SELECT * FROM create_review($1, $2, $3, $4, $5, $6, $7::smallint, $8, $9)',
      },
      [
        newId(),
        productId,
        newId(),
        viewer.issuer,
        viewer.subject,
        viewer.displayName,
        input.rating,
        input.title ?? null,
        input.body ?? null,
      ],
    );
  }

  /** Only the author may; absent fields stay, null clears. */
  update(viewer: Viewer, reviewId: string, input: ReviewChanges): Promise<ReviewResult> {
    return this.run(
      {
        name: 'update_review',
        text: 'SELECT * FROM update_review($1, $2, $3, $4, $5, $6::smallint, $7, $8, $9, $10)',
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
      ],
    );
  }

  /** The author may, and an admin. */
  delete(viewer: Viewer, reviewId: string): Promise<ReviewResult> {
    return this.run({ name: 'delete_review', text: 'SELECT * FROM delete_review($1, $2, $3, $4)' }, [
      reviewId,
      viewer.issuer,
      viewer.subject,
      viewer.isAdmin,
    ]);
  }

  private async run(statement: { name: string; text: string }, values: unknown[]): Promise<ReviewResult> {
    let row: ResultRow;
    try {
      const { rows } = await retryOnDeadlock(() => this.database.write({ ...statement, values }));
      row = (rows as ResultRow[])[0]!;
    } catch (error) {
      // The product was deleted between the function's look and its insert.
      if (violatedConstraint(error) === 'reviews_product_id_fkey') return { status: 'NOT_FOUND' };
      throw error;
    }
    switch (row.outcome) {
      case 'CREATED':
      case 'UPDATED':
      case 'DELETED':
        this.eventsCommitted();
        return done(row);
      case 'UNCHANGED':
        return done(row);
      default:
        return { status: row.outcome };
    }
  }
}

function done(row: ResultRow): ReviewResult {
  return { status: 'DONE', reviewId: row.review_id, productId: row.product_id, ratingVersion: row.rating_version };
}
