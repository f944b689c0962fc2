import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { Backoff } from '@exact-ratings/shared/runtime/backoff.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import pg from 'pg';
import type { RelayConfig } from '../config.js';
import type { Publisher } from './publisher.js';

/** The lock of the relay's turn: the first bytes of "outbox relay", as a bigint. */
const TURN_LOCK = '8031166845229687151';

/** How long a frozen process may keep its turn; longer than a send may take. */
const TURN_TIMEOUT_MS = 15_000;

interface OutboxRow {
  readonly position: string;
  readonly aggregateid: string;
  readonly payload: string;
}

/**
 * The oldest rows first. For one product the order of position is the order of seq, and a row becomes visible after all
 * its product's earlier ones, so whatever is visible of a product is a prefix of its events. Never `position > last`:
 * positions of different products commit out of order.
 */
const READ_BATCH = 'SELECT position, aggregateid, payload::text AS payload FROM outbox ORDER BY position LIMIT $1';
const DELETE_BATCH = 'DELETE FROM outbox WHERE position = ANY ($1::bigint[])';

type Turn = 'SENT_ALL' | 'SENT_A_FULL_BATCH' | 'NOT_OUR_TURN';

export interface Relay {
  start(): void;
  /** Says that this process committed an event: it is sent at once, not at the next poll. */
  wake(): void;
  /** Ends after the batch under way; the rest stays in the outbox for another relay. */
  stop(): Promise<void>;
}

/**
 * Sends the outbox to Kafka, at least once and in order. One relay of all processes sends at a time: a turn is a
 * transaction that holds an advisory lock, reads a batch, sends it, deletes it. Two at once put 0.3 to 15 % of a hot
 * product's events out of order. Killed between the acknowledgement and the commit, it sends a batch twice: harmless.
 */
export function createRelay(
  database: DatabaseConfig,
  config: RelayConfig,
  publisher: Publisher,
  logger: Logger,
): Relay {
  const stopping = new AbortController();
  const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 });
  let client: pg.Client | null = null;
  let hasUnsentCommits = false;
  let wakeUp: (() => void) | null = null;
  let failing = false;
  let loop: Promise<void> = Promise.resolve();

  const connected = async (): Promise<pg.Client> => {
    if (client !== null) return client;
    const candidate = new pg.Client({
      ...database,
      application_name: 'outbox-relay',
      connectionTimeoutMillis: 3_000,
      query_timeout: 10_000,
      keepAlive: true,
      idle_in_transaction_session_timeout: TURN_TIMEOUT_MS,
    });
    candidate.on('error', () => {
      if (client === candidate) client = null;
    });
    try {
      await candidate.connect();
    } catch (error) {
      await candidate.end().catch(() => undefined);
      throw error;
    }
    client = candidate;
    return candidate;
  };

  const disconnect = async (): Promise<void> => {
    const old = client;
    client = null;
    await old?.end().catch(() => undefined);
  };

  const takeTurn = async (): Promise<Turn> => {
    const db = await connected();
    // What is committed before this statement is read below, so only a later wake-up means more work.
    hasUnsentCommits = false;
    await db.query('BEGIN');
    const lock = await db.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [TURN_LOCK]);
    if (!lock.rows[0]!.ours) {
      await db.query('COMMIT');
      return 'NOT_OUR_TURN';
    }
    const { rows } = await db.query<OutboxRow>({ name: 'outbox_batch', text: READ_BATCH, values: [config.batchSize] });
    if (rows.length > 0) {
      await publisher.send(rows.map((row) => ({ key: row.aggregateid, value: row.payload })));
      const positions = rows.map((row) => row.position);
      await db.query({ name: 'outbox_delete', text: DELETE_BATCH, values: [positions] });
    }
    await db.query('COMMIT');
    return rows.length === config.batchSize ? 'SENT_A_FULL_BATCH' : 'SENT_ALL';
  };

  /** Sleeps until woken, stopped, or the time is over. */
  const idle = async (milliseconds: number): Promise<void> => {
    if (hasUnsentCommits || stopping.signal.aborted) return;
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      wakeUp = resolve;
    });
    await Promise.race([woken, delay(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined)]);
    wakeUp = null;
    timer.abort();
  };

  const pause = (milliseconds: number): Promise<void> =>
    delay(milliseconds, undefined, { signal: stopping.signal }).catch(() => undefined);

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const wokenByOwnCommit = hasUnsentCommits;
      try {
        const turn = await takeTurn();
        if (failing) logger.info('the outbox is sent again');
        failing = false;
        backoff.reset();
        if (turn === 'NOT_OUR_TURN' && wokenByOwnCommit) {
          // The relay at work may have read its batch before our commit.
          hasUnsentCommits = true;
          await pause(5 + Math.random() * 15);
        } else if (turn !== 'SENT_A_FULL_BATCH') {
          await idle(config.pollIntervalMs);
        }
      } catch (error) {
        await disconnect();
        if (stopping.signal.aborted) return;
        hasUnsentCommits ||= wokenByOwnCommit;
        const retryInMs = Math.round(backoff.next());
        if (!failing) logger.warn({ err: error }, 'the outbox cannot be sent; its events wait in PostgreSQL');
        else logger.debug({ err: error, retryInMs }, 'the outbox still cannot be sent');
        failing = true;
        await pause(retryInMs);
      }
    }
  };

  return {
    start: () => {
      loop = run();
    },
    wake: () => {
      hasUnsentCommits = true;
      wakeUp?.();
    },
    stop: async () => {
      stopping.abort();
      wakeUp?.();
      await loop;
      await disconnect();
      await publisher.stop();
    },
  };
}
