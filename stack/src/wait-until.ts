import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  timeoutMs: number;
  intervalMs?: number;
}

/** Calls `condition` until it returns something truthy, and returns that; undefined once `timeoutMs` have passed. */
export async function waitUntil<Result>(
  condition: () => Result | Promise<Result>,
  { timeoutMs, intervalMs = 25 }: WaitOptions,
): Promise<Result | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() >= deadline) return undefined;
    await delay(intervalMs);
  }
}
