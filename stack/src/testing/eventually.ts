import { waitUntil } from '../wait-until.js';

/**
 * Waits until the condition returns something truthy, and returns that. A condition that rejects fails at once.
 * @param what completes the error's message: "did not come about within 20000 ms: …"
 * @throws once `timeoutMs` are over
 */
export async function eventually<Result>(
  what: string,
  condition: () => Result | Promise<Result>,
  timeoutMs = 20_000,
): Promise<NonNullable<Result>> {
  const result = await waitUntil(condition, { timeoutMs, intervalMs: 10 });
  if (!result) throw new Error(`did not come about within ${timeoutMs} ms: ${what}`);
  return result;
}
