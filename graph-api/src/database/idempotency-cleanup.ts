import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop } from '@exact-ratings/shared/runtime/running-loop.js';
import type { Database } from './database.js';

/** A batch takes some 20 ms. */
const KEYS_PER_BATCH = 2_000;
const PAUSE_BETWEEN_BATCHES_MS = 20;
const MAX_POLL_INTERVAL_MS = 60_000;

/**
 * Removes idempotency keys once they are older than `ttlSeconds`, in batches. Of all processes one works at a time. Started by its
 * caller.
 */
export function createIdempotencyCleanup(database: Database, ttlSeconds: number, logger: Logger): RunningLoop {
  const pollIntervalMs = Math.min(MAX_POLL_INTERVAL_MS, ttlSeconds * 1_000);
  return new RunningLoop({
    round: async () => {
      const { rows } = await database.write({
        name: 'remove_idempotency_keys',
        text: 'SELECT remove_idempotency_keys($1, $2) AS more',
        values: [ttlSeconds, KEYS_PER_BATCH],
      });
      const { more } = (rows as Array<{ more: boolean }>)[0]!;
      return { afterMs: more ? PAUSE_BETWEEN_BATCHES_MS : pollIntervalMs, orWhenWoken: false };
    },
    backoff: { initialMs: 1_000, maxMs: 60_000 },
    logger,
    onFailing: 'old idempotency keys cannot be removed now',
    onRecovered: 'old idempotency keys are removed again',
  });
}
