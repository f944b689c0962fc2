/** Something did not settle in the time that it was given. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * The promise's outcome, if it comes within the time. What the promise does afterwards is ignored.
 *
 * An event loop that was blocked runs expired timers before it reads what arrived meanwhile: before the deadline counts,
 * the loop reads its sockets once, so that a stall of this process is not taken for silence of the other.
 *
 * @param what begins the error's message: "Kafka did not acknowledge" becomes "Kafka did not acknowledge within 100 ms"
 * @throws DeadlineError once `milliseconds` are over
 */
export async function withDeadline<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const expire = (): void => reject(new DeadlineError(`${what} within ${milliseconds} ms`));
    timer = setTimeout(() => setImmediate(expire), milliseconds);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the promise settled, either way, within the time. Never rejects. */
export async function settledWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return withDeadline(settled, milliseconds, 'did not settle').catch(() => false);
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
