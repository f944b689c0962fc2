/** Aborted by Ctrl-C, SIGTERM or a closed terminal; further signals change nothing. */
export function shutdownSignal(onFirstSignal: () => void = () => undefined): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) return;
      onFirstSignal();
      stopping.abort(new Error(`stopped by ${signal}`));
    });
  }
  return stopping.signal;
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
