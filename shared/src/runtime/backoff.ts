import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from './error-message.js';
import type { Logger } from './logger.js';

export interface BackoffOptions {
  /** First waiting time in milliseconds. */
  readonly initialMs: number;
  /** Longest waiting time in milliseconds. */
  readonly maxMs: number;
}

/** Waits; returns early, without an error, once the signal is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Doubling waiting times with jitter (half to all of the nominal time), so that many processes do not return at once. */
export class Backoff {
  private failures = 0;

  constructor(private readonly options: BackoffOptions) {}

  /** The next waiting time in milliseconds. */
  next(): number {
    const nominal = Math.min(this.options.maxMs, this.options.initialMs * 2 ** Math.min(this.failures, 30));
    this.failures += 1;
    return nominal / 2 + Math.random() * (nominal / 2);
  }

  reset(): void {
    this.failures = 0;
  }
}

/** An error that waiting does not end. */
export class PermanentError extends Error {}

/**
 * Tries until it succeeds or the signal is aborted.
 * @param onFailure called after each failure, with the time to the next try
 * @throws a PermanentError of the attempt at once; the signal's reason once aborted.
 */
export async function retryUntilAborted<T>(
  attempt: () => Promise<T>,
  onFailure: (error: unknown, retryInMs: number) => void,
  signal: AbortSignal,
  options: BackoffOptions = { initialMs: 200, maxMs: 5_000 },
): Promise<T> {
  const backoff = new Backoff(options);
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PermanentError) throw error;
      const retryInMs = Math.round(backoff.next());
      onFailure(error, retryInMs);
      await sleep(retryInMs, signal);
    }
  }
}

/**
 * Tries until it succeeds; logs once what it waits for, and once that it is there.
 * @throws a PermanentError of the attempt at once; the signal's reason once aborted.
 */
export async function waitFor<T>(
  what: string,
  attempt: () => Promise<T>,
  logger: Logger,
  signal: AbortSignal,
  options?: BackoffOptions,
): Promise<T> {
  let waiting = false;
  const result = await retryUntilAborted(
    attempt,
    (error, retryInMs) => {
      if (waiting) logger.debug({ err: error, retryInMs }, `still waiting for ${what}`);
      else logger.warn({ reason: errorMessage(error) }, `waiting for ${what}`);
      waiting = true;
    },
    signal,
    options,
  );
  if (waiting) logger.info(`${what}: there again`);
  return result;
}
