import type pg from 'pg';
import { parseSnapshot, type Closing, type Opening, type Snapshot } from './outbox-horizon.js';

/**
 * Id of the PostgreSQL advisory lock that one relay holds while it publishes a batch. An arbitrary constant; it must be the
 * same in every release that runs side by side.
 */
const RELAY_LOCK_ID = '8031166845229687151';

/** One event that waits to be published. */
export interface OutboxRow {
  readonly position: string;
  /** The product's id. */
  readonly aggregateid: string;
  /** The event as JSON. */
  readonly payload: string;
}

/**
 * The lock is taken without waiting (a transaction that waits for a lock holds back vacuum for as long), and ends with the
 * transaction, whatever ends that. The three statements go in one message; each has a snapshot of its own, in this order:
 * `last_value` before the snapshot, since every position up to it must have been drawn before (see OutboxHorizon).
 */
const OPEN_BATCH = `
  SELECT pg_try_advisory_xact_lock(${RELAY_LOCK_ID}) AS held;
  SELECT last_value FROM outbox_position_seq;
  SELECT pg_current_snapshot()::text AS snapshot,
         concat_ws('/', pg_postmaster_start_time(), 'outbox'::regclass::oid,
                   (SELECT oid FROM pg_database WHERE datname = current_database())) AS identity`;

/**
 * The oldest rows first, from the position that no unpublished row can precede. For one product the order of position is
 * the order of seq, and a row becomes visible after all its product's earlier ones, so whatever is visible of a product is
 * a prefix of its events. The first row carries the snapshot of the read.
 */
const READ_BATCH = `
  SELECT position, aggregateid, payload::text AS payload,
         CASE WHEN row_number() OVER (ORDER BY position) = 1 THEN pg_current_snapshot()::text END AS snapshot
    FROM outbox
   WHERE position >= $2 AND position <> ALL ($3::bigint[])
   ORDER BY position LIMIT $1`;

/**
 * By position and not by range: rows between those of the batch may have become visible after the read. The snapshot is
 * that of this statement, so it is older than the transaction id, which the deletion takes.
 */
const CLOSE_BATCH = `
  WITH deleted AS (DELETE FROM outbox WHERE position = ANY ($1::bigint[]))
  SELECT pg_current_snapshot()::text AS snapshot, pg_current_xact_id()::text AS xid`;

/**
 * Takes the relay lock, if it is free. To be called first in a READ COMMITTED transaction.
 * @returns null where another relay holds the lock
 */
export async function openBatch(client: pg.ClientBase): Promise<Opening | null> {
  // pg answers a message of several statements with several results.
  const results = (await client.query(OPEN_BATCH)) as unknown as [
    pg.QueryResult<{ held: boolean }>,
    pg.QueryResult<{ last_value: string }>,
    pg.QueryResult<{ snapshot: string; identity: string }>,
  ];
  if (!results[0].rows[0]!.held) return null;
  const { snapshot, identity } = results[2].rows[0]!;
  return { identity, lastPosition: Number(results[1].rows[0]!.last_value), snapshot: parseSnapshot(snapshot) };
}

/** What to read: at most `limit` rows from position `start`, without those at the positions of `except`. */
export interface BatchQuery {
  readonly limit: number;
  readonly start: number;
  readonly except: readonly string[];
  readonly timeoutMs: number;
}

export interface Batch {
  readonly rows: readonly OutboxRow[];
  /** The snapshot of the read; null where there are no rows. */
  readonly snapshot: Snapshot | null;
}

export async function readBatch(client: pg.ClientBase, query: BatchQuery): Promise<Batch> {
  await client.query(`SET LOCAL statement_timeout = ${query.timeoutMs}`);
  const statement = {
    text: READ_BATCH,
    values: [query.limit, query.start, query.except],
    query_timeout: query.timeoutMs + 2_000,
  };
  const { rows } = await client.query<OutboxRow & { snapshot: string | null }>(statement);
  const snapshot = rows[0]?.snapshot ?? null;
  return { rows, snapshot: snapshot === null ? null : parseSnapshot(snapshot) };
}

/** Deletes the rows (none is fine) and says what the next batches need to know of this transaction. */
export async function closeBatch(client: pg.ClientBase, batch: readonly OutboxRow[]): Promise<Closing> {
  const { rows } = await client.query<{ snapshot: string; xid: string }>(CLOSE_BATCH, [
    batch.map(({ position }) => position),
  ]);
  return { snapshot: parseSnapshot(rows[0]!.snapshot), xid: Number(rows[0]!.xid) };
}
