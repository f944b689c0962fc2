import { sleep } from '@exact-ratings/shared/runtime/backoff.js';

/** Allows `perSecond` units a second in the long run, and up to one second's worth at once (a token bucket). */
export class RateLimiter {
  private available: number;
  private updatedAt = Date.now();

  constructor(private readonly perSecond: number) {
    this.available = perSecond;
  }

  /** The largest count that `take` lets through without a wait. */
  get burst(): number {
    return this.perSecond;
  }

  /** Waits until `count` units are available and takes them; returns early once aborted. */
  async take(count: number, signal: AbortSignal): Promise<void> {
    this.refill();
    this.available -= count;
    if (this.available < 0) await sleep((-this.available / this.perSecond) * 1_000, signal);
  }

  private refill(): void {
    const now = Date.now();
    this.available = Math.min(this.perSecond, this.available + ((now - this.updatedAt) / 1_000) * this.perSecond);
    this.updatedAt = now;
  }
}
