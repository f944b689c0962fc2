import type { Logger } from './logger.js';
import { ConfigError } from '../config/env-reader.js';

export type Releaser = () => Promise<void> | void;

/**
 * Whoever opens a resource pushes its closer. They are called in reverse order, all of them, whatever one of them
 * throws; the first error is kept.
 */
export class ReleaseStack {
  private readonly releasers: Array<{ readonly name: string; readonly release: Releaser }> = [];

  push(name: string, release: Releaser): void {
    this.releasers.push({ name, release });
  }

  /** @throws the first error that a closer threw, after all have been called. */
  async releaseAll(logger: Logger): Promise<void> {
    const errors: unknown[] = [];
    for (let entry = this.releasers.pop(); entry !== undefined; entry = this.releasers.pop()) {
      try {
        await entry.release();
        logger.debug({ resource: entry.name }, 'released');
      } catch (error) {
        logger.error({ err: error, resource: entry.name }, 'could not be released cleanly');
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

export interface ServiceContext {
  readonly resources: ReleaseStack;
  /** Aborted when the process was asked to stop. */
  readonly signal: AbortSignal;
  /** Ends the process with exit code 1, after releasing, for a fault that waiting cannot end. */
  readonly fail: (error: unknown) => void;
}

/** A graceful stop that takes longer than this is cut off. */
const STOP_TIMEOUT_MS = 25_000;

/** The same signal again within this time is the same request to stop. */
const SAME_REQUEST_MS = 1_000;

/**
 * Handles SIGINT and SIGTERM. Ctrl-C under npm reaches a program twice: from the terminal, which signals the whole process
 * group, and from npm, which passes it on; both are one request.
 * @param stop called for the first request
 * @param stopAtOnce called for each further one: another signal, or the same one after a second
 */
export function onStopRequest(
  stop: (signal: NodeJS.Signals) => void,
  stopAtOnce: (signal: NodeJS.Signals) => void,
): void {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = { signal, at: performance.now() };
      stop(signal);
    } else if (first.signal !== signal || performance.now() - first.at >= SAME_REQUEST_MS) {
      stopAtOnce(signal);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/**
 * Runs a service until SIGINT or SIGTERM (exit code 0) or until it fails (exit code 1). Another signal (the same one: after
 * a second), or a stop that hangs, ends the process at once.
 */
export async function runService(logger: Logger, start: (context: ServiceContext) => Promise<void>): Promise<void> {
  const resources = new ReleaseStack();
  const stop = new AbortController();
  let exitCode = 0;
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  const fail = (error: unknown): void => {
    logger.fatal({ err: error }, 'cannot go on');
    exitCode = 1;
    stop.abort(error);
  };
  const stopAtOnce = (signal: NodeJS.Signals): void => {
    logger.warn({ signal }, 'stopping at once');
    process.exit(1);
  };
  onStopRequest((signal) => {
    if (stop.signal.aborted) return stopAtOnce(signal);
    logger.info({ signal }, 'stopping');
    stop.abort(new Error(`stopped by ${signal}`));
  }, stopAtOnce);
  process.on('unhandledRejection', fail);
  process.on('uncaughtException', fail);

  // Started services may wait without end for a server; a signal must end that wait too.
  const starting = start({ resources, signal: stop.signal, fail }).catch((error: unknown) => {
    if (!stop.signal.aborted) fail(error);
  });
  await stopped;

  const deadline = setTimeout(() => {
    logger.error({ afterMs: STOP_TIMEOUT_MS }, 'the graceful stop took too long');
    process.exit(1);
  }, STOP_TIMEOUT_MS);
  deadline.unref();
  await starting;
  try {
    await resources.releaseAll(logger);
  } catch {
    exitCode = 1;
  }
  logger.info({ exitCode }, 'stopped');
  process.exit(exitCode);
}

/** Reads the configuration, or prints what is wrong with it and ends the process with exit code 78 (EX_CONFIG). */
export function configOrExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(78);
  }
}
