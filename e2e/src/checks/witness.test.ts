import { findTopicViolations, type SightedEvent } from './witness.js';

const event = (productId: string, seq: number): SightedEvent => ({ id: `${productId}${seq}`, productId, seq });
const COMMITTED = [event('a', 1), event('a', 2), event('b', 1), event('a', 3)];

test('every committed event once and in order, in any order between products, is right; so are duplicates', () => {
  expect(findTopicViolations(COMMITTED, [event('b', 1), event('a', 1), event('a', 2), event('a', 3)])).toEqual([]);
  expect(findTopicViolations(COMMITTED, [...COMMITTED, ...COMMITTED])).toEqual([]);
  expect(findTopicViolations(COMMITTED, [...COMMITTED, event('of another load', 7)])).toEqual([]);
});

test.each([
  [
    'the last one of a product is missing',
    COMMITTED.slice(0, 3),
    ['1 of 4 events were committed and are not in the topic'],
  ],
  ['one was never committed', [...COMMITTED, event('b', 2)], ['1 of 4 events are in the topic and were not committed']],
  [
    'one comes before its predecessor',
    [event('a', 1), event('a', 3), event('a', 2), event('b', 1)],
    ['1 of 4 events were sighted before'],
  ],
  [
    'one is missing in the middle',
    [event('a', 1), event('a', 3), event('b', 1)],
    ['not in the topic', 'sighted before their predecessor'],
  ],
])('a violation: %s', (_, sighted, expected) => {
  expect(findTopicViolations(COMMITTED, sighted)).toEqual(
    expected.map((text) => expect.stringContaining(text) as string),
  );
});
