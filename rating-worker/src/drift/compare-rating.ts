import type { RatingState, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';

export type Verdict =
  /** The keys equal SQL. */
  | { readonly kind: 'EQUAL' }
  /** No keys: nobody has read the product yet, or they expired. Readers are answered by SQL. */
  | { readonly kind: 'MISSING' }
  /** A lower seq: its events are under way. */
  | { readonly kind: 'BEHIND'; readonly by: number }
  /** What no amount of waiting mends. */
  | { readonly kind: 'DIFFERENT'; readonly reason: DifferenceReason };

export type DifferenceReason =
  | 'CONTENT' // other counts at the same seq
  | 'AHEAD' // a higher seq than SQL's
  | 'CORRUPT' // the three keys do not agree with each other
  | 'ORPHAN' // keys of a product that SQL does not have
  | 'TOMBSTONE'; // the product is there, Redis says it was deleted

/**
 * Compares what Redis held with what SQL holds. Redis must have been read first: then SQL is never behind in a sound
 * history, and what differs is proven. `sql` is null where SQL does not have the product.
 */
export function compareRating(stored: StoredRating, sql: RatingState | null): Verdict {
  if (sql === null) {
    return stored.kind === 'RATING' || stored.kind === 'CORRUPT'
      ? { kind: 'DIFFERENT', reason: 'ORPHAN' }
      : { kind: 'EQUAL' };
  }
  switch (stored.kind) {
    case 'ABSENT':
      return { kind: 'MISSING' };
    case 'CORRUPT':
      return { kind: 'DIFFERENT', reason: 'CORRUPT' };
    case 'DELETED':
      return { kind: 'DIFFERENT', reason: 'TOMBSTONE' };
    case 'RATING': {
      const { state } = stored;
      if (state.seq > sql.seq) return { kind: 'DIFFERENT', reason: 'AHEAD' };
      if (state.seq < sql.seq) return { kind: 'BEHIND', by: sql.seq - state.seq };
      return state.stars.every((count, i) => count === sql.stars[i])
        ? { kind: 'EQUAL' }
        : { kind: 'DIFFERENT', reason: 'CONTENT' };
    }
  }
}
