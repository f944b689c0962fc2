import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { Backoff } from '@exact-ratings/shared/runtime/backoff.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import pg from 'pg';
import type { RelayConfig } from '../config.js';
import type { Publisher } from './publisher.js';

/** The lock of the relay's turn: the first bytes of "outbox relay", as a bigint. */
const TURN_LOCK = '8031166845229687151';

/** Limits of a turn, so that neither a frozen process nor a Kafka that never answers keeps it. */
export interface TurnLimits {
  /** A send without an answer is given up; the batch is sent again later. */
  readonly sendMs: number;
  /** PostgreSQL ends the turn of a process that is silent for so long; longer than a send may take. */
  readonly turnMs: number;
}

const TURN_LIMITS: TurnLimits = { sendMs: 6_000, turnMs: 8_000 };

/** How long a closing connection may take to say goodbye, before it is left to the server. */
const GOODBYE_MS = 1_000;

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
  limits: TurnLimits = TURN_LIMITS,
): Relay {
  const stopping = new AbortController();
  const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 });
  let client: pg.Client | null = null;
  /** This process has committed events since its last turn read the outbox. */
  let hasUnsentCommits = false;
  /** The turn under way, or the last one, began with such events. */
  let turnOwesCommits = false;
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
      idle_in_transaction_session_timeout: limits.turnMs,
    });
    candidate.on('error', () => {
      if (client === candidate) client = null;
      void close(candidate);
    });
    try {
      await candidate.connect();
    } catch (error) {
      await close(candidate);
      throw error;
    }
    client = candidate;
    return candidate;
  };

  const disconnect = async (): Promise<void> => {
    const old = client;
    client = null;
    if (old !== null) await close(old);
  };

  const send = async (rows: readonly OutboxRow[]): Promise<void> => {
    const sent = publisher.send(rows.map((row) => ({ key: row.aggregateid, value: row.payload })));
    const timer = new AbortController();
    const timeout = delay(limits.sendMs, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`Kafka did not acknowledge within ${limits.sendMs} ms`);
    });
    timeout.catch(() => undefined);
    await Promise.race([sent, timeout]).finally(() => timer.abort());
  };

  const takeTurn = async (): Promise<Turn> => {
    const db = await connected();
    // What is committed up to here is read below, so only a later wake-up means more work.
    turnOwesCommits = hasUnsentCommits;
    hasUnsentCommits = false;
    await db.query('BEGIN');
    const lock = await db.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [TURN_LOCK]);
    if (!lock.rows[0]!.ours) {
      await db.query('COMMIT');
      return 'NOT_OUR_TURN';
    }
    const { rows } = await db.query<OutboxRow>({ name: 'outbox_batch', text: READ_BATCH, values: [config.batchSize] });
    if (rows.length > 0) {
      await send(rows);
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
      try {
        const turn = await takeTurn();
        if (failing) logger.info('the outbox is sent again');
        failing = false;
        backoff.reset();
        if (turn === 'NOT_OUR_TURN' && turnOwesCommits) {
          // The relay at work may have read its batch before our commit.
          hasUnsentCommits = true;
          await pause(5 + Math.random() * 15);
        } else if (turn !== 'SENT_A_FULL_BATCH') {
          await idle(config.pollIntervalMs);
        }
      } catch (error) {
        await disconnect();
        if (stopping.signal.aborted) return;
        hasUnsentCommits ||= turnOwesCommits;
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

/** Closes the connection, whose transaction PostgreSQL then rolls back; never throws, nor waits for a silent server. */
async function close(client: pg.Client): Promise<void> {
  const timer = new AbortController();
  const patience = delay(GOODBYE_MS, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([client.end().catch(() => undefined), patience]);
  timer.abort();
}
