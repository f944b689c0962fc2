import type { RatingState, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import { compareRating, type Verdict } from './compare-rating.js';

const sql: RatingState = { seq: 7, stars: [1, 0, 2, 0, 3] };
const rating = (seq: number, stars: RatingState['stars'] = sql.stars): StoredRating => ({
  kind: 'RATING',
  state: { seq, stars },
});
const different = (reason: string) => ({ kind: 'DIFFERENT', reason }) as Verdict;

test.each<[string, StoredRating, RatingState | null, Verdict]>([
  ['the same counts at the same number', rating(7), sql, { kind: 'EQUAL' }],
  ['no keys', { kind: 'ABSENT' }, sql, { kind: 'MISSING' }],
  ['a lower number', rating(4, [1, 0, 0, 0, 0]), sql, { kind: 'BEHIND', by: 3 }],
  ['other counts at the same number', rating(7, [1, 0, 2, 1, 3]), sql, different('CONTENT')],
  ['a higher number', rating(8), sql, different('AHEAD')],
  ['keys that do not agree', { kind: 'CORRUPT' }, sql, different('CORRUPT')],
  ['a tombstone of a product that is there', { kind: 'DELETED', seq: 9 }, sql, different('TOMBSTONE')],
  ['a rating of a product that is gone', rating(7), null, different('ORPHAN')],
  ['garbage of a product that is gone', { kind: 'CORRUPT' }, null, different('ORPHAN')],
  ['a tombstone of a product that is gone', { kind: 'DELETED', seq: 9 }, null, { kind: 'EQUAL' }],
  ['nothing of a product that is gone', { kind: 'ABSENT' }, null, { kind: 'EQUAL' }],
])('%s', (_, stored, snapshot, verdict) => {
  expect(compareRating(stored, snapshot)).toEqual(verdict);
});
