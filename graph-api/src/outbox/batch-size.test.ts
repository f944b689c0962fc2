import { BatchSize } from './batch-size.js';

test('a failure halves it, down to one; ten successes in a row double it, up to the maximum', () => {
  const size = new BatchSize(500);
  for (const expected of [250, 125, 62, 31, 15, 7, 3, 1, 1]) {
    size.failed();
    expect(size.value).toBe(expected);
  }
  for (let i = 0; i < 9; i += 1) size.succeeded();
  expect(size.value).toBe(1);
  size.succeeded();
  expect(size.value).toBe(2);
  for (let i = 0; i < 9; i += 1) size.succeeded();
  size.failed();
  size.succeeded();
  expect(size.value).toBe(1);
  for (let i = 0; i < 200; i += 1) size.succeeded();
  expect(size.value).toBe(500);
});
