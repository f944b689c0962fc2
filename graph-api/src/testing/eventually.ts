import { waitUntil } from '@exact-ratings/stack/wait-until.js';

/** Waits until the condition holds. @throws after `timeoutMs`, naming what did not come about. */
export async function eventually<Result>(
  what: string,
  condition: () => Result | Promise<Result>,
  timeoutMs = 10_000,
): Promise<NonNullable<Result>> {
  const result = await waitUntil(condition, { timeoutMs, intervalMs: 10 });
  if (!result) throw new Error(`did not come about within ${timeoutMs} ms: ${what}`);
  return result;
}
