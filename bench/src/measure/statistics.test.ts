import { median, medianRatio, percentile } from './statistics.js';

test('the median is the middle value, or the mean of the two middle ones', () => {
  expect(median([3])).toBe(3);
  expect(median([10, 2, 9])).toBe(9);
  expect(median([10, 1, 2, 9])).toBe(5.5);
});

test('the median sorts by value, not by text, and leaves its argument as it was', () => {
  const values = [100, 20, 3];
  expect(median(values)).toBe(20);
  expect(values).toEqual([100, 20, 3]);
});

test('a percentile is the value of the nearest rank', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => 1_000 - i);
  expect(percentile(values, 50)).toBe(500);
  expect(percentile(values, 99)).toBe(990);
  expect(percentile(values, 99.9)).toBe(999);
  expect(percentile(values, 100)).toBe(1_000);
  expect(percentile(values, 0)).toBe(1);
});

test('the percentile of few values is the next higher one', () => {
  expect(percentile([1, 2, 3, 4], 50)).toBe(2);
  expect(percentile([1, 2, 3, 4], 51)).toBe(3);
  expect(percentile([7], 99)).toBe(7);
});

test('the ratio is that of the rounds, not of the medians', () => {
  // A round in which the machine was half as fast has the same ratio; the medians' ratio would be 20 / 50 = 0.4.
  expect(medianRatio([20, 10, 30], [40, 50, 60])).toBe(0.5);
  expect(medianRatio([50, 25, 50], [100, 50, 100])).toBe(0.5);
});

test('what cannot be computed is refused', () => {
  expect(() => median([])).toThrow('there are no values');
  expect(() => percentile([], 50)).toThrow('there are no values');
  expect(() => percentile([1], 101)).toThrow('a percentage is from 0 to 100');
  expect(() => percentile([1], Number.NaN)).toThrow('a percentage is from 0 to 100');
  expect(() => medianRatio([1], [1, 2])).toThrow('cannot be paired');
  expect(() => medianRatio([1], [0])).toThrow('not positive');
});
