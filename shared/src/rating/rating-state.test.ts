import {
  averageRating,
  classifyRatingTriple,
  formatRatingState,
  parseRatingState,
  reviewCount,
} from './rating-state.js';

const STATE = { seq: 7, stars: [1, 0, 2, 3, 4], eventTag: '0a1b2c3d' } as const;

test('derives count and average from the integers', () => {
  expect(reviewCount(STATE)).toBe(10);
  expect(averageRating(STATE)).toBe(3.9);
});

test('has average 0 without reviews', () => {
  expect(averageRating({ stars: [0, 0, 0, 0, 0] })).toBe(0);
});

test('reads back what it formats', () => {
  expect(parseRatingState(formatRatingState(STATE))).toEqual(STATE);
  expect(parseRatingState('9 deleted 0a1b2c3d')).toEqual({ seq: 9, deleted: true, eventTag: '0a1b2c3d' });
});

test.each([
  null,
  undefined,
  '',
  'abc',
  'NaN',
  '1 2 3 4 5 6',
  '1 2 3 4 5 0a1b2c3d',
  '1 2 3 4 5 6 7 0a1b2c3d',
  '1 -2 3 4 5 6 0a1b2c3d',
  '1 2.5 3 4 5 6 0a1b2c3d',
  ' 1 2 3 4 5 6 0a1b2c3d',
  '1 2 3 4 5 6 0a1b2c3d\n',
  '1e3 2 3 4 5 6 0a1b2c3d',
  '1 2 3 4 5 6 0A1B2C3D',
  '1 2 3 4 5 6 0a1b2c3',
  '1 2 3 4 5 6 0a1b2c3d4',
  '99999999999 2 3 4 5 6 0a1b2c3d',
  '2147483648 2 3 4 5 6 0a1b2c3d',
  '1 1000000000000000 3 4 5 6 0a1b2c3d',
  '2147483648 deleted 0a1b2c3d',
  '9 deleted',
  'deleted',
  '-1 deleted 0a1b2c3d',
])('%j is no state', (text) => {
  expect(parseRatingState(text)).toBeNull();
});

describe('a triple', () => {
  const text = formatRatingState(STATE);

  test('that agrees is a rating', () => {
    expect(classifyRatingTriple('3.9', '10', text)).toEqual({ kind: 'RATING', state: STATE });
  });

  test('of nothing is absent, and one of a tombstone alone is deleted', () => {
    expect(classifyRatingTriple(null, null, null)).toEqual({ kind: 'ABSENT' });
    expect(classifyRatingTriple(null, null, '7 deleted 0a1b2c3d')).toEqual({ kind: 'DELETED', seq: 7 });
  });

  test.each([
    ['no rating', null, '10', text],
    ['no count', '3.9', null, text],
    ['no state', '3.9', '10', null],
    ['another average', '3.8', '10', text],
    ['the average written otherwise', '3.90', '10', text],
    ['another count', '3.9', '11', text],
    ['a count written otherwise', '3.9', '10.0', text],
    ['a corrupt rating', 'NaN', '10', text],
    ['a corrupt state', '3.9', '10', 'abc'],
    ['a tombstone beside an average', '3.9', null, '7 deleted 0a1b2c3d'],
  ])('with %s is corrupt', (_, rating, count, state) => {
    expect(classifyRatingTriple(rating, count, state)).toEqual({ kind: 'CORRUPT' });
  });
});
