import { starCounts, type RatingState, type StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { Testbed } from './testbed.js';

interface Difference {
  readonly productId: string;
  readonly redis: string;
  readonly sql: string;
}

/** Every product's keys against SQL. */
export interface Comparison {
  readonly compared: number;
  /** No keys, though there are changes: readers are answered by SQL. */
  readonly missing: number;
  readonly behind: readonly Difference[];
  readonly different: readonly Difference[];
}

/** Redis is read first: in a sound history SQL is then never behind what was read. */
export async function compareRatings(bed: Testbed): Promise<Comparison> {
  const ids = new Set<string>();
  for await (const page of bed.store.scanProductIds()) page.forEach((id) => ids.add(id));
  const known = await bed.pool.query<{ product_id: string }>('SELECT product_id FROM review_streams');
  known.rows.forEach(({ product_id }) => ids.add(product_id));

  const all = [...ids];
  const stored: StoredRating[] = [];
  for (let i = 0; i < all.length; i += 500) stored.push(...(await bed.store.inspectMany(all.slice(i, i + 500))));
  const sql = await readRatings(bed);

  const behind: Difference[] = [];
  const different: Difference[] = [];
  let missing = 0;
  all.forEach((productId, i) => {
    const redis = stored[i]!;
    const truth = sql.get(productId);
    const difference = { productId, redis: describe(redis), sql: truth === undefined ? 'no product' : text(truth) };
    if (truth === undefined) {
      if (redis.kind === 'RATING' || redis.kind === 'CORRUPT') different.push(difference);
    } else if (redis.kind === 'ABSENT') {
      if (truth.seq > 0) missing += 1;
    } else if (redis.kind !== 'RATING') {
      different.push(difference);
    } else if (redis.state.seq < truth.seq) {
      behind.push(difference);
    } else if (text(redis.state) !== text(truth)) {
      different.push(difference);
    }
  });
  return { compared: all.length, missing, behind, different };
}

/**
 * The ratings straight from the reviews and the numbers, in one statement: not through the view that the product itself
 * uses.
 */
export async function readRatings(bed: Testbed): Promise<Map<string, RatingState>> {
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

function describe(stored: StoredRating): string {
  switch (stored.kind) {
    case 'RATING':
      return text(stored.state);
    case 'DELETED':
      return `deleted at ${stored.seq}`;
    case 'ABSENT':
    case 'CORRUPT':
      return stored.kind.toLowerCase();
  }
}

function text({ seq, stars }: RatingState): string {
  return `seq ${seq}, stars ${stars.join(' ')}`;
}
