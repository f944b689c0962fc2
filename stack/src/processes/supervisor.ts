import { setTimeout as delay } from 'node:timers/promises';
import { formatExit, type ProcessExit } from './child-process.js';
import { launchServiceProcess, type ServiceProcess, type ServiceProcessOptions } from './service-process.js';
import { seconds } from '../progress.js';
import { waitUntil } from '../wait-until.js';

export interface SupervisorOptions extends ServiceProcessOptions {
  /** Receives one line for each restart, and when the process has ended for good. */
  onRestart: (line: string) => void;
  /** The pause before the first restart; each further one is twice as long. 500 ms by default. */
  firstDelayMs?: number;
  /** The longest pause; 15 s by default. */
  longestDelayMs?: number;
  /** A process that has lived this long starts the pauses over; 60 s by default. */
  healthyAfterMs?: number;
}

/** A service that is started again whenever it fails. */
export interface SupervisedProcess {
  readonly name: string;
  /** The process of now; undefined in the pause before a restart, and after a stop. */
  readonly current: ServiceProcess | undefined;
  readonly pid: number | undefined;
  /** How often it has been started again. */
  readonly restarts: number;
  /** Resolves when the process of the moment is ready, across restarts; rejects when none was in time. */
  waitUntilReady(timeoutMs?: number): Promise<void>;
  /** Stops the process and supervising it. Resolves with how it ended, if it ran. */
  stop(): Promise<ProcessExit | undefined>;
}

/**
 * Runs a service and starts it again, with growing pauses and without ever giving up, when it ends by itself with a
 * non-zero exit code or by a signal. One that ends with 0 wanted to.
 */
export function supervise(options: SupervisorOptions): SupervisedProcess {
  const { name, onRestart, firstDelayMs = 500, longestDelayMs = 15_000, healthyAfterMs = 60_000 } = options;
  const stopping = new AbortController();
  let current: ServiceProcess | undefined;
  let restarts = 0;
  let finished = false;

  const run = async (): Promise<void> => {
    let pause = firstDelayMs;
    while (!stopping.signal.aborted) {
      const began = Date.now();
      const outcome = await runOnce();
      if (stopping.signal.aborted) return;
      if (outcome === undefined) return onRestart(`${name} ended by itself (exit code 0) and is not started again`);
      const lived = Date.now() - began;
      if (lived >= healthyAfterMs) pause = firstDelayMs;
      onRestart(`${name} ended (${outcome}) after ${seconds(lived)}; starting it again in ${seconds(pause)}`);
      await delay(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, longestDelayMs);
      if (!stopping.signal.aborted) restarts++;
    }
  };

  /** How the process failed; undefined when it ended well. */
  const runOnce = async (): Promise<string | undefined> => {
    try {
      current = await launchServiceProcess(options);
      if (stopping.signal.aborted) await current.stop();
      const exit = await current.exited;
      return exit.code === 0 ? undefined : formatExit(exit);
    } catch (error) {
      return (error as Error).message;
    } finally {
      if (!stopping.signal.aborted) current = undefined;
    }
  };

  const loop = run().finally(() => (finished = true));

  return {
    name,
    get current() {
      return current?.isRunning ? current : undefined;
    },
    get pid() {
      return current?.isRunning ? current.pid : undefined;
    },
    get restarts() {
      return restarts;
    },
    waitUntilReady: async (timeoutMs = options.readyTimeoutMs ?? 60_000) => {
      const deadline = Date.now() + timeoutMs;
      let reason: Error | undefined;
      const ready = await waitUntil(
        async () => {
          if (finished) throw new Error(`${name} has ended and is not started again`);
          if (current === undefined) return false;
          try {
            await current.waitUntilReady(Math.max(0, deadline - Date.now()));
            return true;
          } catch (error) {
            reason = error as Error;
            return false;
          }
        },
        { timeoutMs },
      );
      if (!ready) throw reason ?? new Error(`${name} was not ready within ${seconds(timeoutMs)}`);
    },
    stop: async () => {
      stopping.abort();
      const exit = await current?.stop();
      await loop;
      return exit;
    },
  };
}
