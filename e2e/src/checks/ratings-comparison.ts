import { starCounts, type RatingState, type StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { Testbed } from '../testbed.js';

interface Difference {
  readonly productId: string;
  readonly redis: string;
  readonly database: string;
}

/**
 * Every product's rating in Redis compared with PostgreSQL. An independent witness of the worker's own comparison: it
 * shares no code and no view with it, so that one mistake cannot hide in both.
 */
export interface Comparison {
  readonly compared: number;
  /** Products without keys though they have changes: PostgreSQL answers their readers. */
  readonly missing: number;
  /** Redis has a lower sequence number. */
  readonly behind: readonly Difference[];
  /** Redis is ahead, has other counts at the same sequence number, is corrupt, or has keys of no product. */
  readonly different: readonly Difference[];
}

/** Reads Redis before PostgreSQL, whose sequence numbers only grow: what differs then is no race. */
export async function compareRatings(bed: Testbed): Promise<Comparison> {
  const ids = new Set<string>();
  for await (const page of bed.store.scanProductIds()) page.forEach((id) => ids.add(id));
  const known = await bed.pool.query<{ product_id: string }>('SELECT product_id FROM review_streams');
  known.rows.forEach(({ product_id }) => ids.add(product_id));

  const all = [...ids];
  const stored: StoredRating[] = [];
  for (let i = 0; i < all.length; i += 500) stored.push(...(await bed.store.inspectMany(all.slice(i, i + 500))));
  const database = await readRatings(bed);

  const behind: Difference[] = [];
  const different: Difference[] = [];
  let missing = 0;
  all.forEach((productId, i) => {
    const redis = stored[i]!;
    const truth = database.get(productId);
    const difference = {
      productId,
      redis: formatStored(redis),
      database: truth === undefined ? 'no product' : formatState(truth),
    };
    if (truth === undefined) {
      if (redis.kind === 'RATING' || redis.kind === 'CORRUPT') different.push(difference);
    } else if (redis.kind === 'ABSENT') {
      if (truth.seq > 0) missing += 1;
    } else if (redis.kind !== 'RATING') {
      different.push(difference);
    } else if (redis.state.seq < truth.seq) {
      behind.push(difference);
    } else if (formatState(redis.state) !== formatState(truth)) {
      different.push(difference);
    }
  });
  return { compared: all.length, missing, behind, different };
}

/** Each product's rating counted from the reviews, with its sequence number, in one statement. */
async function readRatings(bed: Testbed): Promise<Map<string, RatingState>> {
  const { rows } = await bed.pool.query<{ product_id: string; last_seq: number; counts: number[] }>(`
    SELECT s.product_id, s.last_seq,
           ARRAY(SELECT count(r.id)::integer
                   FROM generate_series(1, 5) AS stars
                   LEFT JOIN reviews r ON r.product_id = s.product_id AND r.rating = stars AND r.status = 'PUBLISHED'
                  GROUP BY stars ORDER BY stars) AS counts
      FROM review_streams s`);
  return new Map(
    rows.map(({ product_id, last_seq, counts }) => [product_id, { seq: last_seq, stars: starCounts(counts) }]),
  );
}

function formatStored(stored: StoredRating): string {
  switch (stored.kind) {
    case 'RATING':
      return formatState(stored.state);
    case 'DELETED':
      return `deleted at ${stored.seq}`;
    case 'ABSENT':
    case 'CORRUPT':
      return stored.kind.toLowerCase();
  }
}

function formatState({ seq, stars }: RatingState): string {
  return `seq ${seq}, stars ${stars.join(' ')}`;
}
