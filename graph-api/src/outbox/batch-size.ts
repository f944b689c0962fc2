const GROW_AFTER = 10;

/**
 * How many rows a batch may have: halved when a batch was too large for Kafka or took too long, doubled again after ten
 * batches in a row that were neither. So a batch that can never succeed as a whole becomes one that can.
 */
export class BatchSize {
  private size: number;
  private successes = 0;

  constructor(private readonly max: number) {
    this.size = max;
  }

  get value(): number {
    return this.size;
  }

  succeeded(): void {
    this.successes += 1;
    if (this.successes < GROW_AFTER) return;
    this.successes = 0;
    this.size = Math.min(this.max, 2 * this.size);
  }

  failed(): void {
    this.successes = 0;
    this.size = Math.max(1, Math.floor(this.size / 2));
  }

  /** After the row that did not fit was found. */
  reset(): void {
    this.successes = 0;
    this.size = this.max;
  }
}
