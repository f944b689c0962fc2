import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop } from '@exact-ratings/shared/runtime/running-loop.js';
import type { Database } from '../database/database.js';

/** A batch takes some 50 ms; other writers come in between. */
const REVIEWS_PER_BATCH = 2_000;
const PAUSE_BETWEEN_BATCHES_MS = 20;
/** How often an idle process looks for what another, killed one left. */
const POLL_INTERVAL_MS = 60_000;

export interface ProductCleanup {
  start(): void;
  /** Tells it that this process deleted a product. */
  wake(): void;
  stop(): Promise<void>;
}

/**
 * Removes the reviews of deleted products in batches. `delete_product` removes few reviews at once, and leaves very many of
 * them to this. Of all processes one works at a time.
 */
export function createProductCleanup(database: Database, logger: Logger): ProductCleanup {
  const loop = new RunningLoop({
    round: async () => {
      const { rows } = await database.write({
        name: 'remove_deleted_products',
        text: 'SELECT remove_deleted_products($1) AS worked',
        values: [REVIEWS_PER_BATCH],
      });
      const { worked } = (rows as Array<{ worked: boolean }>)[0]!;
      return { afterMs: worked ? PAUSE_BETWEEN_BATCHES_MS : POLL_INTERVAL_MS, orWhenWoken: !worked };
    },
    backoff: { initialMs: 1_000, maxMs: 60_000 },
    logger,
    onFailing: 'reviews of deleted products cannot be removed now',
    onRecovered: 'reviews of deleted products are removed again',
  });
  return { start: () => loop.start(), wake: () => loop.wake(), stop: () => loop.stop() };
}
