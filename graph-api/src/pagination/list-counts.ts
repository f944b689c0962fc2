import type { Database } from '../database/database.js';
import type { Condition } from './filter.js';

/**
 * How many rows of a table meet a condition. All who ask for the same in one process share one statement while it runs; nothing is
 * kept after it, so a count is never older than its statement takes.
 */
export class ListCounts {
  private readonly running = new Map<string, Promise<number>>();

  constructor(
    private readonly database: Pick<Database, 'query'>,
    private readonly table: string,
  ) {}

  count(condition: Condition): Promise<number> {
    const key = JSON.stringify(condition);
    const known = this.running.get(key);
    if (known !== undefined) return known;
    const count = this.read(condition).finally(() => {
      if (this.running.get(key) === count) this.running.delete(key);
    });
    this.running.set(key, count);
    return count;
  }

  /** To be called after a write that counts must show: who asks from now on waits for a new one. */
  invalidate(): void {
    this.running.clear();
  }

  private async read({ text, values }: Condition): Promise<number> {
    const { rows } = await this.database.query({
      text: `SELECT count(*)::integer AS total FROM ${this.table} WHERE ${text}`,
      values: [...values],
    });
    return (rows as Array<{ total: number }>)[0]!.total;
  }
}
