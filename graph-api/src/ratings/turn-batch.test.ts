import { TurnBatch } from './turn-batch.js';

test('a turn is one read; what comes during the read is the next', async () => {
  const reads: Array<readonly number[]> = [];
  let duringRead: Promise<readonly string[]> | undefined;
  const batch = new TurnBatch<number, string>((keys) => {
    reads.push(keys);
    duringRead ??= batch.load([9]);
    return Promise.resolve(keys.map((key) => `value of ${key}`));
  }, 100);
  expect(
    await Promise.all([batch.load([1, 2]), batch.load([2]), Promise.resolve().then(() => batch.load([3]))]),
  ).toEqual([['value of 1', 'value of 2'], ['value of 2'], ['value of 3']]);
  expect(await duringRead).toEqual(['value of 9']);
  expect(reads).toEqual([[1, 2, 2, 3], [9]]);
});

test('a read that fails, also at once, fails for its callers alone', async () => {
  let failing = true;
  const batch = new TurnBatch<number, number>((keys) => {
    if (failing) throw new Error('no answer');
    return Promise.resolve(keys);
  }, 100);
  const outcomes = await Promise.allSettled([batch.load([1]), batch.load([2])]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  failing = false;
  expect(await batch.load([3])).toEqual([3]);
});
