import type { PositionedRating, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import { compareRating, type Verdict } from './compare-rating.js';

const database: PositionedRating = { seq: 7, stars: [1, 0, 2, 0, 3], eventTag: '0a1b2c3d' };
const rating = (seq: number, changed: Partial<PositionedRating> = {}): StoredRating => ({
  kind: 'RATING',
  state: { ...database, seq, ...changed },
});
const different = (reason: string) => ({ kind: 'DIFFERENT', reason }) as Verdict;

test.each<[string, StoredRating, PositionedRating | null, Verdict]>([
  ['the same counts at the same sequence number', rating(7), database, { kind: 'EQUAL' }],
  ['no keys', { kind: 'ABSENT' }, database, { kind: 'MISSING' }],
  ['a lower sequence number', rating(4, { stars: [1, 0, 0, 0, 0] }), database, { kind: 'BEHIND', by: 3 }],
  ['other counts at the same event', rating(7, { stars: [1, 0, 2, 1, 3] }), database, different('COUNTS')],
  ['another event of the same number', rating(7, { eventTag: '3d2c1b0a' }), database, different('FORK')],
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
