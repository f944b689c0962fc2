import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 2;

/**
 * Begins `rate` actions a second, whether or not the earlier ones have ended, up to a bound of those under way; beyond it the
 * load falls behind, which the rate that was reached shows.
 * @returns how many began a second
 * @throws the first error of an action
 */
export async function runPaced(options: {
  readonly rate: number;
  readonly seconds: number;
  readonly maxInFlight: number;
  readonly signal: AbortSignal;
  readonly action: (index: number) => Promise<void>;
}): Promise<number> {
  const { rate, seconds, maxInFlight, signal, action } = options;
  const began = performance.now();
  const inFlight = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let started = 0;
  for (;;) {
    signal.throwIfAborted();
    if (failures.length > 0) throw failures[0];
    const elapsed = (performance.now() - began) / 1_000;
    if (elapsed >= seconds) break;
    for (const due = Math.floor(elapsed * rate); started < due && inFlight.size < maxInFlight; started += 1) {
      const running: Promise<void> = action(started)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => inFlight.delete(running));
      inFlight.add(running);
    }
    await delay(TICK_MS);
  }
  const reached = started / ((performance.now() - began) / 1_000);
  await Promise.all(inFlight);
  if (failures.length > 0) throw failures[0];
  return reached;
}
