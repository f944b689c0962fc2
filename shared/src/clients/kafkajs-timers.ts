import { createRequire } from 'node:module';

interface RequestQueue {
  readonly pending: readonly unknown[];
  /** In ms since 1970; the past where the broker throttles nothing. */
  readonly throttledUntil: number;
}

const PLACE = 'kafkajs/src/network/requestQueue';
const METHOD = 'scheduleCheckPendingRequests';
const patched = new WeakSet<object>();

/**
 * Stops a timer of kafkajs 2.2.4 that has nothing to do. After each answer a connection looks for requests that had to wait, and
 * sets a timer to look again. Where none wait, the time is in the past, so that Node takes 1 ms, for ever: 1,000 times a second on
 * each connection. It was half of an idle worker's CPU (52 ms a second; the other half were its 20 fetches).
 *
 * With requests that wait, or a broker that throttles, the method is kafkajs's own. Its fix is not released: the library is
 * unmaintained. To switch this off, remove the call in `kafka-client.ts`.
 *
 * @throws Error where the method is not in its place any more
 */
export function stopIdleTimers(): void {
  const { prototype } = createRequire(import.meta.url)(PLACE) as { prototype: Record<string, unknown> };
  const schedule = prototype[METHOD];
  if (typeof schedule !== 'function')
    throw new Error(`${PLACE} has no ${METHOD}: see whether kafkajs-timers.ts is needed`);
  if (patched.has(schedule)) return;
  const scheduleIfNeeded = function (this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
  patched.add(scheduleIfNeeded);
  prototype[METHOD] = scheduleIfNeeded;
}
