import type { Database } from '../database/database.js';
import type { ReviewCondition } from './review-filter.js';

/** How many reviews meet a condition. Who asks for the same while it is being counted shares the count, in the whole process. */
export class ReviewCounts {
  private readonly running = new Map<string, Promise<number>>();

  constructor(private readonly database: Database) {}

  count(condition: ReviewCondition): Promise<number> {
    const key = JSON.stringify(condition);
    let count = this.running.get(key);
    if (count === undefined) {
      count = this.read(condition).finally(() => this.running.delete(key));
      this.running.set(key, count);
    }
    return count;
  }

  private async read({ text, values }: ReviewCondition): Promise<number> {
    const statement = { text: `SELECT count(*)::integer AS total FROM reviews WHERE ${text}` };
    const [row] = await this.database.rows<{ total: number }>(statement, [...values]);
    return row!.total;
  }
}
