import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop } from '@exact-ratings/shared/runtime/running-loop.js';
import type { Database } from '../database/database.js';
import type { Lifetime } from '../database/lifetime.js';
import { retryOnDeadlock } from '../database/postgres-errors.js';
import type { ErasedReviews } from './erased-reviews.js';

/** A batch of deletions locks as many products, for some 20 ms; other writers come in between. */
const ROWS_PER_BATCH = 200;
const PAUSE_BETWEEN_BATCHES_MS = 20;
/** What the mutation does before it answers: all of it for all but the busiest authors. */
const BATCHES_AT_ONCE = 10;
/** How often an idle process looks for what another, killed one left. */
const POLL_INTERVAL_MS = 60_000;

/**
 * Erases authors: `erase` takes their identity and name away at once; what they have left behind is removed in batches, the first
 * ones by `erase`, the rest in the background, by whatever process comes to it. Each batch is a transaction that keeps ratings and
 * votes exact.
 */
export class AuthorErasure {
  private readonly loop: RunningLoop;

  constructor(
    private readonly database: Database,
    /** Called after a commit that may have written events. */
    private readonly eventsCommitted: () => void,
    logger: Logger,
  ) {
    this.loop = new RunningLoop({
      round: async () => {
        const worked = await this.removeBatch(null);
        return { afterMs: worked ? PAUSE_BETWEEN_BATCHES_MS : POLL_INTERVAL_MS, orWhenWoken: !worked };
      },
      backoff: { initialMs: 1_000, maxMs: 10_000 },
      logger,
      onFailing: 'what erased authors left behind cannot be removed now',
      onRecovered: 'what erased authors left behind is removed again',
    });
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  /**
   * @param reviews what becomes of the author's reviews
   * @param lifetime of the request: an erasure that has begun when it ends goes on in the background
   * @returns how many reviews that concerns; null where there is no such author
   */
  async erase(authorId: string, reviews: ErasedReviews, lifetime: Lifetime): Promise<number | null> {
    const { rows } = await retryOnDeadlock(() =>
      this.database.change(lifetime, (validUntilMs) => ({
        name: 'erase_author',
        text: 'SELECT erase_author($1, $2, $3) AS affected',
        values: [authorId, reviews, validUntilMs],
      })),
    );
    const { affected } = (rows as Array<{ affected: number | null }>)[0]!;
    if (affected !== null && !(await this.removeAtOnce(authorId, lifetime))) this.loop.wake();
    return affected;
  }

  /** @returns whether everything is removed; what cannot be now is left to the loop, since the author is erased already */
  private async removeAtOnce(authorId: string, lifetime: Lifetime): Promise<boolean> {
    try {
      for (let batch = 1; batch <= BATCHES_AT_ONCE; batch += 1) {
        lifetime.throwIfEnded();
        if (!(await this.removeBatch(authorId))) return true;
      }
    } catch {
      // The loop tries again, and logs what keeps it from that.
    }
    return false;
  }

  /** @param authorId null for any author who is being erased. @returns whether there may be more to do */
  private async removeBatch(authorId: string | null): Promise<boolean> {
    const { rows } = await retryOnDeadlock(() =>
      this.database.write({
        name: 'remove_erased_author',
        text: 'SELECT remove_erased_author($1, $2) AS more',
        values: [authorId, ROWS_PER_BATCH],
      }),
    );
    const { more } = (rows as Array<{ more: boolean }>)[0]!;
    if (more) this.eventsCommitted();
    return more;
  }
}
