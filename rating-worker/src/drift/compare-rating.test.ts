import type { RatingState, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import { compareRating, type Verdict } from './compare-rating.js';

const database: RatingState = { seq: 7, stars: [1, 0, 2, 0, 3] };
const rating = (seq: number, stars: RatingState['stars'] = database.stars): StoredRating => ({
  kind: 'RATING',
  state: { seq, stars },
});
const different = (reason: string) => ({ kind: 'DIFFERENT', reason }) as Verdict;

test.each<[string, StoredRating, RatingState | null, Verdict]>([
  ['the same counts at the same sequence number', rating(7), database, { kind: 'EQUAL' }],
  ['no keys', { kind: 'ABSENT' }, database, { kind: 'MISSING' }],
  ['a lower sequence number', rating(4, [1, 0, 0, 0, 0]), database, { kind: 'BEHIND', by: 3 }],
  ['other counts at the same sequence number', rating(7, [1, 0, 2, 1, 3]), database, different('COUNTS')],
  ['a higher sequence number', rating(8), database, different('AHEAD')],
  ['keys that do not agree', { kind: 'CORRUPT' }, database, different('CORRUPT')],
  ['a tombstone of a product that is there', { kind: 'DELETED', seq: 9 }, database, different('TOMBSTONE')],
  ['a rating of a product that is gone', rating(7), null, different('ORPHAN')],
  ['garbage of a product that is gone', { kind: 'CORRUPT' }, null, different('ORPHAN')],
  ['a tombstone of a product that is gone', { kind: 'DELETED', seq: 9 }, null, { kind: 'EQUAL' }],
  ['nothing of a product that is gone', { kind: 'ABSENT' }, null, { kind: 'EQUAL' }],
])('%s', (_, stored, snapshot, verdict) => {
  expect(compareRating(stored, snapshot)).toEqual(verdict);
});
