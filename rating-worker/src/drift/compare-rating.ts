import type { PositionedRating, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';

/** How a product's keys in Redis stand to its rating in PostgreSQL. */
export type Verdict =
  /** The keys equal PostgreSQL. */
  | { readonly kind: 'EQUAL' }
  /** No keys: nobody has read the product yet, or they expired. Readers are answered by PostgreSQL. */
  | { readonly kind: 'MISSING' }
  /** A lower seq: its events are in transit, unless it stays so. */
  | { readonly kind: 'BEHIND'; readonly by: number }
  /** PostgreSQL could not count the product's reviews: nothing is known. */
  | { readonly kind: 'UNCOUNTED' }
  /** Not explained by events in transit. */
  | { readonly kind: 'DIFFERENT'; readonly reason: DifferenceReason };

export type DifferenceReason =
  | 'FORK' // the same seq, and another event that has it
  | 'COUNTS' // other counts at the same event
  | 'AHEAD' // a higher seq than PostgreSQL's
  | 'CORRUPT' // the three keys do not agree with each other
  | 'ORPHAN' // keys of a product that PostgreSQL does not have
  | 'TOMBSTONE'; // the product is there, Redis says it was deleted

/**
 * Compares what Redis held with what PostgreSQL holds; `database` is null where PostgreSQL does not have the product.
 * Redis must have been read first. Sequence numbers in PostgreSQL only grow, so unless it was restored from a backup it is then
 * at least as new as what Redis held. A higher seq in Redis, or another event or other counts at the same seq, is therefore drift and not a race.
 */
export function compareRating(stored: StoredRating, database: PositionedRating | null): Verdict {
  if (database === null) {
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
      if (state.seq > database.seq) return { kind: 'DIFFERENT', reason: 'AHEAD' };
      if (state.seq < database.seq) return { kind: 'BEHIND', by: database.seq - state.seq };
      if (state.eventTag !== database.eventTag) return { kind: 'DIFFERENT', reason: 'FORK' };
      return state.stars.every((count, i) => count === database.stars[i])
        ? { kind: 'EQUAL' }
        : { kind: 'DIFFERENT', reason: 'COUNTS' };
    }
  }
}
