import { MAX_SEQUENCE } from '../events/review-event.js';
import type { RatingPrior } from './rating-prior-config.js';

/** How many counted reviews have 1, 2, 3, 4 and 5 stars, in that order. */
export type StarCounts = readonly [number, number, number, number, number];

/** The five counts of `values`, which start with those of one star; strings (PostgreSQL's bigint) become numbers. */
export function starCounts(values: readonly (number | string)[]): StarCounts {
  if (values.length !== 5) throw new RangeError(`five counts are expected, not ${values.length}`);
  return values.map(Number) as [number, number, number, number, number];
}

/** A product's rating at one sequence number: the integers that are the truth. */
export interface RatingState {
  /** The product's sequence number that these counts hold; 0 before its first review. */
  readonly seq: number;
  readonly stars: StarCounts;
}

/** A place in a product's stream. Of two histories with the same sequence number, the tag says which one it is in. */
export interface StreamPosition {
  readonly seq: number;
  /** The tag of the event that has this sequence number; `NO_EVENT_TAG` before the first one. */
  readonly eventTag: string;
}

/** A rating and the event up to which it holds the stream. */
export interface PositionedRating extends RatingState, StreamPosition {}

/** What a deleted product leaves behind, so that whatever comes late is refused. */
export interface Tombstone extends StreamPosition {
  readonly deleted: true;
}

const STATE = /^(\d{1,10}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) ([0-9a-f]{8})$/;
const TOMBSTONE = /^(\d{1,10}) deleted ([0-9a-f]{8})$/;

export function reviewCount({ stars }: Pick<RatingState, 'stars'>): number {
  return stars[0] + stars[1] + stars[2] + stars[3] + stars[4];
}

/** `sum(stars × n) / count`, an IEEE double; 0 where nothing counts, which the API answers as null. */
export function averageRating(state: Pick<RatingState, 'stars'>): number {
  const count = reviewCount(state);
  return count === 0 ? 0 : sumOfRatings(state) / count;
}

/**
 * The Bayesian average, `(weight × mean + sum(stars × n)) / (weight + count)`, an IEEE double; 0 where nothing counts, which the
 * API answers as null. The function `weighted_rating` of PostgreSQL computes the same double.
 */
export function weightedRating(state: Pick<RatingState, 'stars'>, { mean, weight }: RatingPrior): number {
  const count = reviewCount(state);
  return count === 0 ? 0 : (weight * mean + sumOfRatings(state)) / (weight + count);
}

function sumOfRatings({ stars: [one, two, three, four, five] }: Pick<RatingState, 'stars'>): number {
  return one + 2 * two + 3 * three + 4 * four + 5 * five;
}

/** The text of `product:<id>:ratingState`. */
export function formatRatingState({ seq, stars, eventTag }: PositionedRating): string {
  return `${seq} ${stars.join(' ')} ${eventTag}`;
}

/** The state that the text holds, or null where it holds none. */
export function parseRatingState(text: string | null | undefined): PositionedRating | Tombstone | null {
  if (text === null || text === undefined) return null;
  const state = STATE.exec(text);
  if (state !== null) {
    const [, seq, one, two, three, four, five, eventTag] = state;
    if (Number(seq) > MAX_SEQUENCE) return null;
    const stars: StarCounts = [Number(one), Number(two), Number(three), Number(four), Number(five)];
    return { seq: Number(seq), stars, eventTag: eventTag! };
  }
  const tombstone = TOMBSTONE.exec(text);
  return tombstone === null || Number(tombstone[1]) > MAX_SEQUENCE
    ? null
    : { seq: Number(tombstone[1]), deleted: true, eventTag: tombstone[2]! };
}

/** What a product's three keys hold, told apart for whoever compares them with PostgreSQL. */
export type StoredRating =
  | { readonly kind: 'ABSENT' }
  | { readonly kind: 'RATING'; readonly state: PositionedRating }
  | { readonly kind: 'DELETED'; readonly seq: number }
  /** The keys do not agree with each other, or hold something else. */
  | { readonly kind: 'CORRUPT' };

/** The sequence number that the keys hold; 0 where they hold none. */
export function sequenceOf(stored: StoredRating): number {
  if (stored.kind === 'RATING') return stored.state.seq;
  return stored.kind === 'DELETED' ? stored.seq : 0;
}

/**
 * Tells apart what the three values of one MGET hold. A key of another type reads as null, like an absent one; the average is
 * compared as text, which both sides write as the shortest one that reads back equal.
 */
export function classifyRatingTriple(
  rating: string | null | undefined,
  count: string | null | undefined,
  stateText: string | null | undefined,
): StoredRating {
  const isBare = rating == null && count == null;
  if (isBare && stateText == null) return { kind: 'ABSENT' };
  const state = parseRatingState(stateText);
  if (state === null) return { kind: 'CORRUPT' };
  if ('deleted' in state) return isBare ? { kind: 'DELETED', seq: state.seq } : { kind: 'CORRUPT' };
  const agrees = rating === String(averageRating(state)) && count === String(reviewCount(state));
  return agrees ? { kind: 'RATING', state } : { kind: 'CORRUPT' };
}
