import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';

/** PostgreSQL does not answer now: what needs it has to come later. */
export class DatabaseUnavailableError extends Error {
  constructor(cause: unknown) {
    super(`PostgreSQL cannot give the ratings now: ${errorMessage(cause)}`, { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

/** After a failure PostgreSQL is left alone for this long, so that its time-outs do not hold up the jobs. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** PostgreSQL, left alone for a second after each failure; logs when it begins to fail and when it answers again. */
export class GuardedDatabase implements Queryable {
  private unavailableUntil = 0;
  private failing = false;

  constructor(
    private readonly database: Queryable,
    private readonly logger: Logger,
  ) {}

  /** @throws DatabaseUnavailableError where PostgreSQL fails, or has failed a moment ago. */
  async query(statement: Parameters<Queryable['query']>[0]): ReturnType<Queryable['query']> {
    if (Date.now() < this.unavailableUntil) throw new DatabaseUnavailableError('it failed a moment ago');
    try {
      const answer = await this.database.query(statement);
      if (this.failing) this.logger.info('PostgreSQL answers again');
      this.failing = false;
      return answer;
    } catch (error) {
      this.unavailableUntil = Date.now() + PAUSE_AFTER_FAILURE_MS;
      if (!this.failing) this.logger.warn({ reason: errorMessage(error) }, 'PostgreSQL fails: rebuilds are deferred');
      this.failing = true;
      throw new DatabaseUnavailableError(error);
    }
  }
}
