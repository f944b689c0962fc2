import { measureRate } from './rate.js';

const signal = new AbortController().signal;

/** A counter that stands still for 600 ms and then does 1,000 a second. */
function lateCounter(): () => Promise<number> {
  const began = performance.now() + 600;
  return async () => Math.max(0, Math.floor(performance.now() - began));
}

test('the rate is counted from the first move, not from the start', async () => {
  const rate = await measureRate({ pid: process.pid, count: lateCounter(), total: 600, timeoutMs: 10_000, signal });
  // Counted from the start it would be 500.
  expect(rate.perSecond).toBeGreaterThan(750);
  expect(rate.perSecond).toBeLessThan(1_500);
});

test('what is over between two looks has no rate', async () => {
  let looks = 0;
  const count = async (): Promise<number> => (looks++ === 0 ? 0 : 500);
  const options = { pid: process.pid, count, total: 500, timeoutMs: 10_000, signal };
  await expect(measureRate(options)).rejects.toThrow('between two looks');
});

test('a backlog that is not worked off ends the measurement', async () => {
  const options = { pid: process.pid, count: async () => 7, total: 500, timeoutMs: 100, signal };
  await expect(measureRate(options)).rejects.toThrow('7 of 500 were done within 0.1 s');
});
