import { DeadlineError, settledWithin, untilAborted, withDeadline } from './deadline.js';

const never = new Promise<never>(() => undefined);

test('withDeadline gives the outcome that comes in time', async () => {
  await expect(withDeadline(Promise.resolve(7), 1_000, 'no answer')).resolves.toBe(7);
  await expect(withDeadline(Promise.reject(new Error('refused')), 1_000, 'no answer')).rejects.toThrow('refused');
});

test('withDeadline rejects afterwards, and says what did not come', async () => {
  const late = withDeadline(never, 5, 'Kafka did not acknowledge');
  await expect(late).rejects.toThrow(new DeadlineError('Kafka did not acknowledge within 5 ms'));
});

test('settledWithin tells either outcome from none', async () => {
  expect(await settledWithin(Promise.resolve(), 1_000)).toBe(true);
  expect(await settledWithin(Promise.reject(new Error('refused')), 1_000)).toBe(true);
  expect(await settledWithin(never, 5)).toBe(false);
});

test("untilAborted ends with the signal's reason", async () => {
  const stop = new AbortController();
  const waiting = untilAborted(never, stop.signal);
  stop.abort(new Error('the process stops'));
  await expect(waiting).rejects.toThrow('the process stops');
  await expect(untilAborted(never, stop.signal)).rejects.toThrow('the process stops');
  await expect(untilAborted(Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
});
