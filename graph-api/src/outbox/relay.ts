import { isMessageTooLarge } from '@exact-ratings/shared/clients/kafka-producer.js';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { DeadlineError } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop } from '@exact-ratings/shared/runtime/running-loop.js';
import type pg from 'pg';
import { BatchSize } from './batch-size.js';
import type { Publisher } from './kafka-publisher.js';
import type { OutboxConfig } from './outbox-config.js';
import { OutboxConnection, STATEMENT_MS } from './outbox-connection.js';
import { OutboxHorizon, type Opening } from './outbox-horizon.js';
import { fetchRows, openCursor, openTransaction, removeRows, type FirstRows, type OutboxRow } from './outbox-table.js';
import { OversizedRows } from './oversized-rows.js';
import { publishBatches, type Publication } from './publish-batches.js';
import { waitBeforeNext, type BatchOutcome } from './wait-before-next.js';

/** Limits of one batch, so that neither a frozen process nor a Kafka that never answers keeps the relay lock. */
export interface RelayTimeouts {
  /** A publication without an answer is given up; the batch is published again later. */
  readonly publishMs: number;
  /** PostgreSQL ends the transaction of a process that is silent for so long; longer than a publication may take. */
  readonly idleTransactionMs: number;
  /** How long a row is left out that Kafka refused for its size. */
  readonly retryOversizedMs: number;
}

const RELAY_TIMEOUTS: RelayTimeouts = { publishMs: 6_000, idleTransactionMs: 8_000, retryOversizedMs: 60_000 };

/** Time limit of a read from the beginning, which may have to walk the index entries of very many deleted rows. */
const FULL_READ_MS = 300_000;
/** A read that takes longer is worth a line in the log. */
const SLOW_READ_MS = 1_000;

type PublicationResult = Pick<Publication, 'outcome'> & Partial<Publication>;

export interface Relay {
  start(): void;
  /** Tells the relay that this process committed an event: it is published at once, not at the next poll. */
  wake(): void;
  /** Ends after the batch under way; the rest stays in the outbox for another relay. */
  stop(): Promise<void>;
}

/**
 * A transaction goes on with further batches for so long, and for so many: other processes wait for its lock, and killed before
 * COMMIT it leaves all of them to be published again.
 */
const MAX_TRANSACTION_MS = 250;
const MAX_BATCHES = 20;

/**
 * Publishes the outbox to Kafka, at least once and in order:
 *
 *     idle ── wake, poll ──► claiming ── lock held elsewhere ──► idle (for 5–20 ms where this process has committed events)
 *      ▲                        │ lock taken, cursor opened on the oldest rows
 *      │                        ▼
 *      │                    publishing ── killed, or no answer ──► rolled back: its batches are published again
 *      │                        │  ▲ acknowledged by all replicas: the batch is deleted while the next one is published
 *      │                        ▼  │
 *      └────── COMMIT ◄───── deleting ─── killed ───────────────► rolled back: its batches are published again
 *
 * All of it is one transaction, which holds an advisory lock: one relay of all processes publishes at a time. Two at once
 * put 0.3 to 15 % of a hot product's events out of order. What is published twice is a duplicate to its consumers.
 *
 * A batch that is too large for Kafka, or too slow, is made smaller until it fits. A single event that Kafka refuses for its
 * size stays in the outbox and is left out for a minute; the others go on.
 */
export function createRelay(
  database: DatabaseConfig,
  config: OutboxConfig,
  publisher: Publisher,
  logger: Logger,
  timeouts: RelayTimeouts = RELAY_TIMEOUTS,
): Relay {
  const connection = new OutboxConnection(database, timeouts.idleTransactionMs);
  const horizon = new OutboxHorizon();
  const batchSize = new BatchSize(config.batchSize);
  const oversized = new OversizedRows(timeouts.retryOversizedMs);
  /** Calls of `wake` so far. */
  let wakes = 0;
  /** Calls of `wake` made before the last completed read: their events have been published. */
  let covered = 0;

  const open = async (client: pg.ClientBase, start: number, limit: number): Promise<FirstRows> => {
    const timeoutMs = start === 0 ? FULL_READ_MS : STATEMENT_MS;
    const query = { start, except: oversized.positions, maxRows: MAX_BATCHES * limit, timeoutMs };
    const began = performance.now();
    const first = await openCursor(client, query, limit);
    const tookMs = Math.round(performance.now() - began);
    horizon.hasRead(start, tookMs);
    if (tookMs > SLOW_READ_MS) {
      logger.warn({ tookMs, start }, 'reading the outbox is slow: look in pg_stat_activity for an old transaction');
    }
    return first;
  };

  /** The first of the next rows, and the opening with the snapshot in which all of them are read. */
  const claim = async (
    client: pg.ClientBase,
    opening: Opening,
    limit: number,
  ): Promise<[FirstRows['rows'], Opening]> => {
    const due = oversized.takeDue();
    for (let seen = opening; ;) {
      const start = Math.min(horizon.startOf(seen), due);
      const { rows, snapshot } = await open(client, start, limit);
      if (snapshot === null) return [rows, seen];
      seen = { ...opening, snapshot };
      if (horizon.startOf(seen) >= start) return [rows, seen];
    }
  };

  /** @returns whether Kafka has all of it; false where it is too large */
  const publish = async (batch: readonly OutboxRow[]): Promise<boolean> => {
    try {
      const messages = batch.map(({ aggregateid, payload }) => ({ key: aggregateid, value: payload }));
      await publisher.send(messages, timeouts.publishMs);
      batchSize.succeeded();
      return true;
    } catch (error) {
      if (error instanceof DeadlineError) batchSize.failed();
      if (!isMessageTooLarge(error)) throw error;
      if (batch.length > 1) batchSize.failed();
      else leaveOut(batch[0]!);
      return false;
    }
  };

  const leaveOut = ({ position, aggregateid, payload }: OutboxRow): void => {
    oversized.add(position);
    batchSize.reset();
    logger.error(
      { position, productId: aggregateid, bytes: Buffer.byteLength(payload) },
      'Kafka refuses an event for its size; it stays in the outbox, and the others go on. Raise max.message.bytes of the topic',
    );
  };

  const publishTransaction = async (signal: AbortSignal): Promise<BatchOutcome> => {
    const upTo = wakes;
    const limit = batchSize.value;
    const { outcome, failure } = await connection.run(async (client, begin): Promise<PublicationResult> => {
      const opening = await openTransaction(client, begin);
      if (opening === null) return { outcome: 'LOCK_HELD_ELSEWHERE' };
      const [first, seen] = await claim(client, opening, limit);
      if (first.length === 0 && !horizon.isFarBehind(opening)) {
        await client.query('COMMIT');
        return { outcome: 'PUBLISHED_ALL' };
      }
      const end = performance.now() + MAX_TRANSACTION_MS;
      const publication = await publishBatches(first, {
        batchRows: limit,
        maxBatches: MAX_BATCHES,
        read: () => fetchRows(client, limit),
        publish,
        remove: (rows, options) => removeRows(client, rows, options),
        hasTime: () => performance.now() < end && !signal.aborted,
      });
      horizon.advance(seen, publication.closing, publication.publishedBelow);
      return publication;
    });
    if (failure !== undefined) throw failure;
    if (outcome === 'PUBLISHED_ALL' || outcome === 'PUBLISHED_FULL_BATCH') covered = upTo;
    return outcome;
  };

  const loop = new RunningLoop({
    round: async (signal) => {
      const outcome = await publishTransaction(signal);
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
