import { waitBeforeNext } from './wait-before-next.js';

const POLL_MS = 1_000;

test.each([
  ['PUBLISHED_FULL_BATCH', true],
  ['PUBLISHED_FULL_BATCH', false],
  ['BATCH_REFUSED', true],
  ['BATCH_REFUSED', false],
] as const)('after %s the next one follows at once (uncovered wake-ups: %s)', (outcome, uncovered) => {
  expect(waitBeforeNext(outcome, uncovered, POLL_MS).afterMs).toBe(0);
});

test('after the last rows the relay waits for its poll, or until it is woken', () => {
  expect(waitBeforeNext('PUBLISHED_ALL', false, POLL_MS)).toEqual({ afterMs: POLL_MS, orWhenWoken: true });
  expect(waitBeforeNext('PUBLISHED_ALL', true, POLL_MS)).toEqual({ afterMs: POLL_MS, orWhenWoken: true });
});

test('a lock held elsewhere is tried again soon only where this process has events to publish', () => {
  for (let i = 0; i < 100; i += 1) {
    const { afterMs, orWhenWoken } = waitBeforeNext('LOCK_HELD_ELSEWHERE', true, POLL_MS);
    expect(afterMs).toBeGreaterThanOrEqual(5);
    expect(afterMs).toBeLessThanOrEqual(20);
    expect(orWhenWoken).toBe(false);
  }
  expect(waitBeforeNext('LOCK_HELD_ELSEWHERE', false, POLL_MS)).toEqual({ afterMs: POLL_MS, orWhenWoken: true });
});
