import { setTimeout as delay } from 'node:timers/promises';
import { Backoff, sleep, type BackoffOptions } from './backoff.js';
import { errorMessage } from './error-message.js';
import type { Logger } from './logger.js';

/** When the next round begins. */
export interface NextRound {
  readonly afterMs: number;
  /** Whether `wake` begins it earlier. False for a wait that has to take its time, such as for a lock held elsewhere. */
  readonly orWhenWoken: boolean;
}

export interface RunningLoopOptions {
  /** One round of work; the signal is aborted by `stop`. What it throws is logged, and the loop waits as `backoff` says. */
  readonly round: (signal: AbortSignal) => Promise<NextRound>;
  readonly backoff: BackoffOptions;
  readonly logger: Logger;
  /** Logged as a warning at the first failure, and at level debug for those that follow it. */
  readonly onFailing: string;
  /** Logged at the first success after failures. */
  readonly onRecovered: string;
}

/**
 * Runs a round of work again and again until it is stopped:
 *
 *     start → round → wait (until its time, or until woken) → round → …
 *                └─ failed → wait (doubling, not to be woken) ─┘
 *
 * A wake-up during a round is not lost: the wait after that round ends at once.
 */
export class RunningLoop {
  private readonly stopping = new AbortController();
  private readonly backoff: Backoff;
  private finished: Promise<void> = Promise.resolve();
  private woken = false;
  private endWait: (() => void) | undefined;
  private failing = false;

  constructor(private readonly options: RunningLoopOptions) {
    this.backoff = new Backoff(options.backoff);
  }

  /** Begins the first round at once. */
  start(): void {
    this.finished = this.run();
  }

  /** Ends the present wait, or the one after the round under way, where that wait may be ended. */
  wake(): void {
    this.woken = true;
    this.endWait?.();
  }

  /** Aborts the signal of the round under way and resolves when that round is over. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.endWait?.();
    await this.finished;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.woken = false;
      try {
        const next = await this.options.round(signal);
        this.succeeded();
        if (next.orWhenWoken) await this.waitUntilWoken(next.afterMs);
        else await sleep(next.afterMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        await sleep(this.failed(error), signal);
      }
    }
  }

  private async waitUntilWoken(milliseconds: number): Promise<void> {
    if (this.woken || this.stopping.signal.aborted || milliseconds <= 0) return;
    const wait = new AbortController();
    this.endWait = () => wait.abort();
    await delay(milliseconds, undefined, { signal: wait.signal }).catch(() => undefined);
    this.endWait = undefined;
  }

  private succeeded(): void {
    if (this.failing) this.options.logger.info(this.options.onRecovered);
    this.failing = false;
    this.backoff.reset();
  }

  /** @returns the time to the next round in milliseconds */
  private failed(error: unknown): number {
    const { logger, onFailing } = this.options;
    const retryInMs = Math.round(this.backoff.next());
    if (this.failing) logger.debug({ reason: errorMessage(error), retryInMs }, onFailing);
    else logger.warn({ err: error, retryInMs }, onFailing);
    this.failing = true;
    return retryInMs;
  }
}
