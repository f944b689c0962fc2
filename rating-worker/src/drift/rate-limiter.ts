import { sleep } from '@exact-ratings/shared/runtime/backoff.js';

/** At most so many a second, in the long run; up to one second's worth at once. */
export class RateLimiter {
  private available: number;
  private updatedAt = Date.now();

  constructor(private readonly perSecond: number) {
    this.available = perSecond;
  }

  /** The largest number that can be had in one go. */
  get burst(): number {
    return this.perSecond;
  }

  /** Waits until so many may be done; returns early once aborted. */
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
