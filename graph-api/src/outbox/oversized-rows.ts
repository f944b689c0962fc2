/** So many single events may be refused for their size; more mean that the topic takes no event at all. */
const MAX_ROWS = 1_000;

/**
 * The rows that Kafka refused for their size, each by itself. They stay in the outbox and are left out of batches, so that
 * the other events go on; after `retryMs` they are tried again, since the topic's limit may have been raised.
 */
export class OversizedRows {
  private readonly retryAt = new Map<string, number>();

  constructor(private readonly retryMs: number) {}

  /** @throws Error where there are too many to be exceptions */
  add(position: string, now = performance.now()): void {
    if (this.retryAt.size >= MAX_ROWS) {
      throw new Error(`Kafka refuses ${MAX_ROWS} single events for their size: raise max.message.bytes of the topic`);
    }
    this.retryAt.set(position, now + this.retryMs);
  }

  /** The positions to leave out now. */
  get positions(): string[] {
    return [...this.retryAt.keys()];
  }

  /** Puts those back whose time has come; the lowest position of them, or Infinity. */
  takeDue(now = performance.now()): number {
    const due = [...this.retryAt].filter(([, at]) => at <= now).map(([position]) => position);
    for (const position of due) this.retryAt.delete(position);
    return Math.min(Infinity, ...due.map(Number));
  }
}
