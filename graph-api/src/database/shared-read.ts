/**
 * One read that all callers of the process share while it runs, such as a count of a whole table: however many ask, one
 * statement runs at a time. Nothing is kept after it, so what a caller gets is never older than a statement takes.
 */
export class SharedRead<T> {
  private running: Promise<T> | null = null;

  constructor(private readonly read: () => Promise<T>) {}

  get(): Promise<T> {
    if (this.running !== null) return this.running;
    const running = this.read().finally(() => {
      if (this.running === running) this.running = null;
    });
    this.running = running;
    return running;
  }

  /** To be called after a write that the read must show: who asks from now on waits for a new one. */
  invalidate(): void {
    this.running = null;
  }
}
