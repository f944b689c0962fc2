import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop } from '@exact-ratings/shared/runtime/running-loop.js';
import type { Publisher } from './kafka-publisher.js';
import type { OutboxConfig } from './outbox-config.js';
import { OutboxConnection } from './outbox-connection.js';
import { deleteBatch, readBatch, tryRelayLock } from './outbox-table.js';
import { waitBeforeNext, type BatchOutcome } from './wait-before-next.js';

/** Limits of one batch, so that neither a frozen process nor a Kafka that never answers keeps the relay lock. */
export interface RelayTimeouts {
  /** A publication without an answer is given up; the batch is published again later. */
  readonly publishMs: number;
  /** PostgreSQL ends the transaction of a process that is silent for so long; longer than a publication may take. */
  readonly idleTransactionMs: number;
}

const RELAY_TIMEOUTS: RelayTimeouts = { publishMs: 6_000, idleTransactionMs: 8_000 };

export interface Relay {
  start(): void;
  /** Tells the relay that this process committed an event: it is published at once, not at the next poll. */
  wake(): void;
  /** Ends after the batch under way; the rest stays in the outbox for another relay. */
  stop(): Promise<void>;
}

/**
 * Publishes the outbox to Kafka, at least once and in order:
 *
 *     idle ── wake, poll ──► claiming ── lock held elsewhere ──► idle (for 5–20 ms where this process has committed events)
 *      ▲                        │ lock taken, oldest rows read
 *      │                        ▼
 *      │                    publishing ── killed, or no answer ──► rolled back: the batch is published again
 *      │                        │ acknowledged by all replicas
 *      │                        ▼
 *      └────── COMMIT ◄───── deleting ─── killed ───────────────► rolled back: the batch is published again
 *
 * All of it is one transaction, which holds an advisory lock: one relay of all processes publishes at a time. Two at once
 * put 0.3 to 15 % of a hot product's events out of order. What is published twice is a duplicate to its consumers.
 */
export function createRelay(
  database: DatabaseConfig,
  config: OutboxConfig,
  publisher: Publisher,
  logger: Logger,
  timeouts: RelayTimeouts = RELAY_TIMEOUTS,
): Relay {
  const connection = new OutboxConnection(database, timeouts.idleTransactionMs);
  /** Calls of `wake` so far. */
  let wakes = 0;
  /** Calls of `wake` made before the last completed read: their events have been published. */
  let covered = 0;

  const publishBatch = async (): Promise<BatchOutcome> => {
    const upTo = wakes;
    const outcome = await connection.transaction(async (client): Promise<BatchOutcome> => {
      if (!(await tryRelayLock(client))) return 'LOCK_HELD_ELSEWHERE';
      const batch = await readBatch(client, config.batchSize);
      if (batch.length > 0) {
        const messages = batch.map(({ aggregateid, payload }) => ({ key: aggregateid, value: payload }));
        await withDeadline(publisher.send(messages), timeouts.publishMs, 'Kafka did not acknowledge');
        await deleteBatch(client, batch);
      }
      return batch.length === config.batchSize ? 'PUBLISHED_FULL_BATCH' : 'PUBLISHED_ALL';
    });
    if (outcome !== 'LOCK_HELD_ELSEWHERE') covered = upTo;
    return outcome;
  };

  const loop = new RunningLoop({
    round: async () => {
      const outcome = await publishBatch();
      return waitBeforeNext(outcome, wakes > covered, config.pollIntervalMs);
    },
    backoff: { initialMs: 100, maxMs: 5_000 },
    logger,
    onFailing: 'the outbox cannot be published; its events wait in PostgreSQL',
    onRecovered: 'the outbox is published again',
  });

  return {
    start: () => loop.start(),
    wake: () => {
      wakes += 1;
      loop.wake();
    },
    stop: async () => {
      await loop.stop();
      await connection.close();
      await publisher.stop();
    },
  };
}
