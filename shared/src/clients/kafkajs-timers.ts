import { createRequire } from 'node:module';

/** As much of kafkajs's class of a connection's requests as is used here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  /** In ms since 1970; the past where the broker throttles nothing. */
  readonly throttledUntil: number;
  readonly inflight: ReadonlyMap<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>;
  readonly enforceRequestTimeout: boolean;
  readonly isConnected: () => boolean;
  requestTimeoutIntervalId: NodeJS.Timeout;
  destroy(): void;
}

const PLACE = 'kafkajs/src/network/requestQueue';
const TIMEOUT_CHECK_MS = 1_000;
const patched = new WeakSet<object>();

/**
 * Takes timers from kafkajs 2.2.4 that wake an idle process. Its fix is not released: the library is unmaintained. An idle worker
 * took 64 ms of CPU a second with them. To switch this off, remove the call in `kafka-client.ts`.
 *
 * - After each answer a connection sets a timer to look for requests that have to wait. Where none wait, its time is in the past,
 *   which Node takes for 1 ms, for ever: 16 ms a second. It is set only where requests wait, or the broker throttles.
 * - Ten times a second each connection looks for requests that were not answered in time (seconds): 0.5 ms a second each. Once is
 *   enough.
 *
 * @throws Error where the methods are not in their place any more
 */
export function reduceIdleTimers(): void {
  const { prototype } = createRequire(import.meta.url)(PLACE) as { prototype: Record<string, unknown> };
  if (patched.has(prototype)) return;
  const { scheduleCheckPendingRequests: schedule } = prototype;
  if (typeof schedule !== 'function' || typeof prototype['scheduleRequestTimeoutCheck'] !== 'function') {
    throw new Error(`${PLACE} has other methods: see whether kafkajs-timers.ts is needed with this kafkajs`);
  }
  patched.add(prototype);

  prototype['scheduleCheckPendingRequests'] = function (this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
  prototype['scheduleRequestTimeoutCheck'] = function (this: RequestQueue): void {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    this.requestTimeoutIntervalId = setInterval(() => {
      for (const request of [...this.inflight.values()]) {
        if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
      }
      if (!this.isConnected()) this.destroy();
    }, TIMEOUT_CHECK_MS);
  };
}
