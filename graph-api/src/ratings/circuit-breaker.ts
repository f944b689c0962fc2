export interface CircuitBreakerOptions {
  /** The share of failed calls that opens the circuit, from 0 to 1. */
  readonly failureShare: number;
  /** Failures that it takes at least, so that a quiet minute's single failure is no outage. */
  readonly minFailures: number;
  /** Calls are counted over this time, in milliseconds, and over the one before it. */
  readonly windowMs: number;
  /** Time in milliseconds for which the circuit stays open before one call tries again. */
  readonly openMs: number;
  /** Called when the circuit opens (true) and when it closes (false). */
  readonly onChange: (open: boolean) => void;
}

interface Counts {
  calls: number;
  failures: number;
}

/**
 * Stops calls of a server that fails, so that its callers do not wait for its time-out. A share of the calls decides, not
 * a row of failures: a burst of failures among many successes is a busy moment, not an outage.
 */
export class CircuitBreaker {
  private current: Counts = { calls: 0, failures: 0 };
  private previous: Counts = { calls: 0, failures: 0 };
  private windowBegan: number;
  /** When the next call may try; null while the circuit is closed. */
  private retryAt: number | null = null;

  constructor(
    private readonly options: CircuitBreakerOptions,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.windowBegan = now();
  }

  get isOpen(): boolean {
    return this.retryAt !== null;
  }

  /** Whether a call may be tried. While the circuit is open, one caller every `openMs` may. */
  allows(): boolean {
    if (this.retryAt === null) return true;
    const now = this.now();
    if (now < this.retryAt) return false;
    this.retryAt = now + this.options.openMs;
    return true;
  }

  succeeded(): void {
    if (this.retryAt === null) {
      this.count(0);
      return;
    }
    this.retryAt = null;
    this.current = { calls: 0, failures: 0 };
    this.previous = { calls: 0, failures: 0 };
    this.options.onChange(false);
  }

  failed(): void {
    if (this.retryAt !== null) {
      this.retryAt = this.now() + this.options.openMs;
      return;
    }
    this.count(1);
    const calls = this.current.calls + this.previous.calls;
    const failures = this.current.failures + this.previous.failures;
    if (failures < this.options.minFailures || failures < calls * this.options.failureShare) return;
    this.retryAt = this.now() + this.options.openMs;
    this.options.onChange(true);
  }

  private count(failures: 0 | 1): void {
    const windows = Math.floor((this.now() - this.windowBegan) / this.options.windowMs);
    if (windows > 0) {
      this.previous = windows === 1 ? this.current : { calls: 0, failures: 0 };
      this.current = { calls: 0, failures: 0 };
      this.windowBegan += windows * this.options.windowMs;
    }
    this.current.calls += 1;
    this.current.failures += failures;
  }
}
