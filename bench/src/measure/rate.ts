import { setTimeout as delay } from 'node:timers/promises';
import { processCpu } from './process-cpu.js';

const POLL_MS = 50;

/** How fast a process works off a backlog. */
export interface Rate {
  readonly perSecond: number;
  /** CPU of the process a piece of work, in µs. */
  readonly cpuPerItem: number;
}

/**
 * Follows a counter from its first move until it has reached `total`; what the process needs before it begins (connections, a
 * group to join) is not counted.
 * @throws where the total is not reached within `timeoutMs`
 */
export async function measureRate(options: {
  readonly pid: number;
  readonly count: () => Promise<number>;
  readonly total: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<Rate> {
  const { pid, count, total, timeoutMs, signal } = options;
  const deadline = Date.now() + timeoutMs;
  const start = await count();
  let first: { at: number; count: number; cpu: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const now = await count();
    const at = performance.now();
    if (first === undefined && now > start) first = { at, count: now, cpu: processCpu(pid) };
    if (now >= total) {
      if (first === undefined || first.count >= total) throw new Error(`${total} were done between two looks: too few`);
      const done = now - first.count;
      return {
        perSecond: done / ((at - first.at) / 1_000),
        cpuPerItem: (processCpu(pid) - first.cpu) / done,
      };
    }
    if (Date.now() > deadline) throw new Error(`${now} of ${total} were done within ${timeoutMs / 1_000} s`);
    await delay(POLL_MS);
  }
}
