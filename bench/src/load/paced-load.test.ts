import { setTimeout as delay } from 'node:timers/promises';
import { runPaced } from './paced-load.js';

const signal = new AbortController().signal;

test('begins as many actions as the rate asks for, though each takes longer than their distance', async () => {
  const indexes: number[] = [];
  const action = async (index: number): Promise<void> => {
    indexes.push(index);
    await delay(50);
  };
  const reached = await runPaced({ rate: 200, seconds: 0.5, maxInFlight: 1_000, signal, action });
  // One after the other they would reach 20.
  expect(reached).toBeGreaterThan(60);
  expect(reached).toBeLessThan(205);
  expect(indexes).toEqual(indexes.map((_, i) => i));
});

test('what is slower than the rate is bounded, and the rate that was reached says so', async () => {
  let running = 0;
  let most = 0;
  const action = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await delay(40);
    running -= 1;
  };
  const reached = await runPaced({ rate: 1_000, seconds: 0.4, maxInFlight: 4, signal, action });
  expect(most).toBe(4);
  expect(reached).toBeLessThan(150);
});

test('the first failed action ends the load', async () => {
  const action = async (index: number): Promise<void> => {
    if (index === 3) throw new Error('the fourth failed');
  };
  await expect(runPaced({ rate: 500, seconds: 30, maxInFlight: 10, signal, action })).rejects.toThrow(
    'the fourth failed',
  );
});
