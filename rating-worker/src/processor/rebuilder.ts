import { readRatingSnapshots, type Queryable } from '@exact-ratings/shared/rating/rating-snapshots.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { messageOf } from '../waiting.js';

/** PostgreSQL does not answer now: the rebuild has to come later. */
export class DatabaseUnavailableError extends Error {
  constructor(cause: unknown) {
    super(`PostgreSQL cannot give the ratings now: ${messageOf(cause)}`, { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

/** After a failure PostgreSQL is left alone for this long, so that its time-outs do not hold up the jobs. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Rebuilds ratings from SQL: one statement for all products, then one script call. */
export class Rebuilder {
  private unavailableUntil = 0;
  private down = false;

  constructor(
    private readonly database: Queryable,
    private readonly store: RatingStore,
    private readonly logger: Logger,
  ) {}

  /**
   * Puts SQL's ratings in place where Redis holds nothing newer. Products that SQL lacks are left alone.
   * @returns the products that SQL has.
   * @throws DatabaseUnavailableError where PostgreSQL fails; ioredis's error where Redis does.
   */
  async rebuild(productIds: readonly string[]): Promise<Set<string>> {
    const snapshots = await this.readSnapshots(productIds);
    await this.store.replace(snapshots);
    return new Set(snapshots.map(({ productId }) => productId));
  }

  private async readSnapshots(productIds: readonly string[]): ReturnType<typeof readRatingSnapshots> {
    if (Date.now() < this.unavailableUntil) throw new DatabaseUnavailableError('it failed a moment ago');
    try {
      const snapshots = await readRatingSnapshots(this.database, productIds);
      if (this.down) this.logger.info('PostgreSQL answers again');
      this.down = false;
      return snapshots;
    } catch (error) {
      this.unavailableUntil = Date.now() + PAUSE_AFTER_FAILURE_MS;
      if (!this.down) this.logger.warn({ reason: messageOf(error) }, 'PostgreSQL fails: rebuilds are put off');
      this.down = true;
      throw new DatabaseUnavailableError(error);
    }
  }
}
