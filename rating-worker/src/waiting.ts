import { retryUntilAborted, type BackoffOptions } from '@exact-ratings/shared/runtime/backoff.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';

/**
 * Tries without end until it succeeds; says once what it waits for, and once that it is there.
 * @throws the signal's reason once aborted.
 */
export async function waitFor<T>(
  what: string,
  attempt: () => Promise<T>,
  logger: Logger,
  signal: AbortSignal,
  backoff?: BackoffOptions,
): Promise<T> {
  let waiting = false;
  const result = await retryUntilAborted(
    attempt,
    (error, retryInMs) => {
      if (waiting) logger.debug({ err: error, retryInMs }, `still waiting for ${what}`);
      else logger.warn({ reason: messageOf(error) }, `waiting for ${what}`);
      waiting = true;
    },
    signal,
    backoff,
  );
  if (waiting) logger.info(`${what}: there again`);
  return result;
}

/** The promise's outcome, or a rejection with the signal's reason if that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Whether the promise settled, either way, within the time. */
export async function settledWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      timeout,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a person needs to read of an error that is waited out; aggregate errors have an empty message of their own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
