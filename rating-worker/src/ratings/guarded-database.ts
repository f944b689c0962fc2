import type { Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { databaseFailure, type DatabaseFailure } from './database-failure.js';

/** PostgreSQL cannot give any ratings now: what needs them has to come later. */
export class DatabaseUnavailableError extends Error {
  constructor({ kind, advice }: DatabaseFailure, cause: unknown) {
    super(`PostgreSQL cannot give the ratings now (${kind}): ${errorMessage(cause)}: ${advice}`, { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

/** After a failure PostgreSQL is left alone for this long, so that its time-outs do not hold up the jobs. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

const RECENT_MS = 1_000;

/** PostgreSQL, left alone for a second after each failure; logs when it begins to fail, each time for another reason, and when it answers again. */
export class GuardedDatabase implements Queryable {
  private unavailableUntil = 0;
  private checkedAt = -Infinity;
  private failure: { readonly what: DatabaseFailure; readonly cause: unknown } | undefined;

  constructor(
    private readonly database: Queryable,
    private readonly logger: Logger,
  ) {}

  /**
   * @throws DatabaseUnavailableError where PostgreSQL fails, or has failed a moment ago; PostgreSQL's own error where it says nothing
   *   about other statements
   */
  async query(statement: Parameters<Queryable['query']>[0]): ReturnType<Queryable['query']> {
    if (this.failure !== undefined && Date.now() < this.unavailableUntil) {
      throw new DatabaseUnavailableError(this.failure.what, this.failure.cause);
    }
    try {
      const answer = await this.database.query(statement);
      this.answered();
      return answer;
    } catch (error) {
      const what = databaseFailure(error);
      if (what === undefined) {
        this.answered();
        throw error;
      }
      this.failed(what, error);
      throw new DatabaseUnavailableError(what, error);
    }
  }

  /** Whether PostgreSQL gives ratings: what its last statement said where that is recent, else it is asked. */
  async answers(): Promise<boolean> {
    if (Date.now() - this.checkedAt > RECENT_MS) {
      await this.query({
        name: 'rating_aggregates_there',
        text: 'SELECT FROM rating_aggregates LIMIT 0',
        values: [],
      }).catch(() => undefined);
    }
    return this.failure === undefined;
  }

  private answered(): void {
    this.checkedAt = Date.now();
    if (this.failure !== undefined) this.logger.info('PostgreSQL answers again');
    this.failure = undefined;
  }

  private failed(what: DatabaseFailure, cause: unknown): void {
    this.checkedAt = Date.now();
    this.unavailableUntil = Date.now() + PAUSE_AFTER_FAILURE_MS;
    if (this.failure?.what.kind !== what.kind) {
      this.logger.warn({ reason: errorMessage(cause) }, `PostgreSQL fails (${what.kind}): ${what.advice}`);
    }
    this.failure = { what, cause };
  }
}
