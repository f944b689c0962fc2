import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { ReviewDecision } from './review-decision.js';
import type { ReviewStatus } from './review-status.js';

const DECISIONS_SHOWN = 20;

const DECISIONS_OF_REVIEWS = {
  name: 'decisions_of_reviews',
  text: `SELECT last.* FROM unnest($1::uuid[]) AS review (id)
          CROSS JOIN LATERAL (
            SELECT review_id, moderator_id, from_status, to_status, reason, decided_at
              FROM review_decisions d WHERE d.review_id = review.id ORDER BY d.id DESC LIMIT ${DECISIONS_SHOWN}
          ) AS last`,
};

interface DecisionRow {
  readonly review_id: string;
  readonly moderator_id: string | null;
  readonly from_status: ReviewStatus;
  readonly to_status: ReviewStatus;
  readonly reason: string | null;
  readonly decided_at: Date;
}

/** The last decisions about reviews, newest first, by the reviews' ids: one statement for all that one tick asks for. */
export function createDecisionLoader(database: Database): DataLoader<string, ReviewDecision[]> {
  return new DataLoader(async (reviewIds) => {
    const rows = await database.rows<DecisionRow>(DECISIONS_OF_REVIEWS, [reviewIds]);
    const decisions = new Map<string, ReviewDecision[]>(reviewIds.map((id) => [id, []]));
    for (const row of rows) decisions.get(row.review_id)!.push(decisionOf(row));
    return reviewIds.map((id) => decisions.get(id)!);
  });
}

function decisionOf(row: DecisionRow): ReviewDecision {
  return Object.assign(new ReviewDecision(), {
    moderatorId: row.moderator_id,
    from: row.from_status,
    to: row.to_status,
    reason: row.reason,
    decidedAt: row.decided_at,
  });
}
