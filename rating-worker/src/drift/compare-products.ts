import { readStreamPositions, type Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { PositionedRating, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { AggregateReader } from '../ratings/aggregate-reader.js';
import { compareRating, type Verdict } from './compare-rating.js';

/** `sequences` is cheap and sees what is behind, ahead, forked or corrupt; `counts` also sees other counts at the same event. */
export type ComparisonDepth = 'sequences' | 'counts';

export interface ComparedProduct {
  readonly productId: string;
  readonly stored: StoredRating;
  /** What PostgreSQL holds, null where it lacks the product. At depth `sequences` the counts are those of Redis. */
  readonly database: PositionedRating | null;
  readonly verdict: Verdict;
}

/** What the comparison reads from. */
export interface ComparisonSources {
  readonly store: RatingStore;
  readonly database: Queryable;
  readonly reader: AggregateReader;
}

/** Compares products: one MGET, then one statement, or as many as they take. Redis is read first, as `compareRating` demands. */
export async function compareProducts(
  { store, database, reader }: ComparisonSources,
  productIds: readonly string[],
  depth: ComparisonDepth,
): Promise<ComparedProduct[]> {
  const stored = await store.inspectMany(productIds);
  const uncounted = new Set<string>();
  const states =
    depth === 'counts'
      ? await readStates(reader, productIds, uncounted)
      : await readSequences(database, productIds, stored);
  return productIds.map((productId, i) => {
    const state = states.get(productId) ?? null;
    const verdict: Verdict = uncounted.has(productId) ? { kind: 'UNCOUNTED' } : compareRating(stored[i]!, state);
    return { productId, stored: stored[i]!, database: state, verdict };
  });
}

/** What PostgreSQL holds of those that it has and could count, by product; of depth `counts`. */
export function countedAggregates(compared: readonly ComparedProduct[]): Map<string, PositionedRating> {
  const aggregates = new Map<string, PositionedRating>();
  for (const { productId, database, verdict } of compared) {
    if (database !== null && verdict.kind !== 'UNCOUNTED') aggregates.set(productId, database);
  }
  return aggregates;
}

/** @param uncounted takes the products that PostgreSQL could not count */
async function readStates(
  reader: AggregateReader,
  productIds: readonly string[],
  uncounted: Set<string>,
): Promise<Map<string, PositionedRating>> {
  const states = new Map<string, PositionedRating>();
  for await (const { aggregates, setAside } of reader.read(productIds)) {
    for (const aggregate of aggregates) states.set(aggregate.productId, aggregate);
    for (const productId of setAside) uncounted.add(productId);
  }
  return states;
}

/** The counts are taken over from Redis, so that only the positions are compared. */
async function readSequences(
  database: Queryable,
  productIds: readonly string[],
  stored: readonly StoredRating[],
): Promise<Map<string, PositionedRating>> {
  const positions = await readStreamPositions(database, productIds);
  const states = new Map<string, PositionedRating>();
  productIds.forEach((productId, i) => {
    const position = positions.get(productId);
    const redis = stored[i]!;
    if (position === undefined) return;
    states.set(productId, { ...position, stars: redis.kind === 'RATING' ? redis.state.stars : [0, 0, 0, 0, 0] });
  });
  return states;
}
