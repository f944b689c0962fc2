import DataLoader from 'dataloader';
import type { Viewer } from '../auth/viewer.js';
import type { Database } from '../database/database.js';

const VOTES_OF_VIEWER = {
  name: 'votes_of_viewer',
  text: `SELECT v.review_id FROM review_votes v
          WHERE v.review_id = ANY ($1::uuid[])
            AND v.voter_id = (SELECT a.id FROM authors a WHERE a.issuer = $2 AND a.subject = $3)`,
};

/** Whether the caller has marked reviews as helpful, by the reviews' ids: one statement for all that one tick asks for, none without a token. */
export function createVoteLoader(database: Database, viewer: Viewer | null): DataLoader<string, boolean> {
  return new DataLoader(async (reviewIds) => {
    if (viewer === null) return reviewIds.map(() => false);
    const rows = await database.rows<{ review_id: string }>(VOTES_OF_VIEWER, [
      reviewIds,
      viewer.issuer,
      viewer.subject,
    ]);
    const marked = new Set(rows.map(({ review_id }) => review_id));
    return reviewIds.map((id) => marked.has(id));
  });
}
