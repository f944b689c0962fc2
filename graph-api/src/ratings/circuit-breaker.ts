export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** How long it stays open before one call tries again. */
  readonly openMs: number;
  readonly onChange: (open: boolean) => void;
}

/** Stops calls of a server that fails, so that its callers do not wait for its time-out. */
export class CircuitBreaker {
  private failuresInARow = 0;
  private openUntil = 0;

  constructor(
    private readonly options: CircuitBreakerOptions,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether a call may be tried. While the circuit is open, one caller every `openMs` may. */
  allows(): boolean {
    if (this.failuresInARow < this.options.failures) return true;
    if (this.now() < this.openUntil) return false;
    this.openUntil = this.now() + this.options.openMs;
    return true;
  }

  succeeded(): void {
    const wasOpen = this.failuresInARow >= this.options.failures;
    this.failuresInARow = 0;
    if (wasOpen) this.options.onChange(false);
  }

  failed(): void {
    this.failuresInARow += 1;
    if (this.failuresInARow < this.options.failures) return;
    this.openUntil = this.now() + this.options.openMs;
    if (this.failuresInARow === this.options.failures) this.options.onChange(true);
  }
}
