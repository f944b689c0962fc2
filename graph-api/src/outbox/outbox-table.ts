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
const OPEN = `
  SELECT pg_try_advisory_xact_lock(${RELAY_LOCK_ID}) AS held;
  SELECT last_value FROM outbox_position_seq;
  SELECT pg_current_snapshot()::text AS snapshot,
         concat_ws('/', pg_postmaster_start_time(), 'outbox'::regclass::oid,
                   (SELECT oid FROM pg_database WHERE datname = current_database())) AS identity`;

/**
 * The oldest rows first, from the position that no unpublished row can precede. For one product the order of position is
 * the order of seq, and a row becomes visible after all its product's earlier ones, so whatever is visible of a product is
 * a prefix of its events.
 *
 * A cursor reads everything in one snapshot, however long its batches take: a statement for each batch would have to begin at
 * the beginning again, since rows between those that were read may have become visible. The first row carries the snapshot.
 */
const declareCursor = ({ start, except, maxRows }: CursorQuery): string => `
  DECLARE outbox_rows NO SCROLL CURSOR FOR
  SELECT position, aggregateid, payload::text AS payload,
         CASE WHEN row_number() OVER (ORDER BY position) = 1 THEN pg_current_snapshot()::text END AS snapshot
    FROM outbox
   WHERE position >= ${start} AND position <> ALL (${positionArray(except)})
   ORDER BY position LIMIT ${maxRows}`;

/**
 * By position and not by range: rows between those of the batch may have become visible after the read. The snapshot is
 * that of this statement, so it is older than the transaction id, which the first deletion takes.
 */
const deleteRows = (positions: readonly string[]): string => `
  WITH deleted AS (DELETE FROM outbox WHERE position = ANY (${positionArray(positions)}))
  SELECT pg_current_snapshot()::text AS snapshot, pg_current_xact_id()::text AS xid`;

/** Positions are PostgreSQL's own bigints; several statements in one message take no parameters. */
const positionArray = (positions: readonly string[]): string => `'{${positions.map(BigInt).join(',')}}'::bigint[]`;

/**
 * Begins the transaction with the text `begin` and takes the relay lock, if it is free.
 * @returns null where another relay holds the lock; the transaction is over then
 */
export async function openTransaction(client: pg.ClientBase, begin: string): Promise<Opening | null> {
  const results = await queryAll(client, `${begin}; ${OPEN}`);
  const [lock, sequence, state] = results.slice(-3) as [
    pg.QueryResult<{ held: boolean }>,
    pg.QueryResult<{ last_value: string }>,
    pg.QueryResult<{ snapshot: string; identity: string }>,
  ];
  if (!lock.rows[0]!.held) {
    await client.query('ROLLBACK');
    return null;
  }
  const { snapshot, identity } = state.rows[0]!;
  return { identity, lastPosition: Number(sequence.rows[0]!.last_value), snapshot: parseSnapshot(snapshot) };
}

/** What to read: rows from position `start`, without those at the positions of `except`, and at most `maxRows`. */
export interface CursorQuery {
  readonly start: number;
  readonly except: readonly string[];
  readonly maxRows: number;
  /** For each statement until the end of the transaction. */
  readonly timeoutMs: number;
}

export interface FirstRows {
  readonly rows: readonly OutboxRow[];
  /** The snapshot of the cursor; null where there are no rows. */
  readonly snapshot: Snapshot | null;
}

/** Opens the cursor, in place of an earlier one, and reads its first rows. */
export async function openCursor(client: pg.ClientBase, query: CursorQuery, rows: number): Promise<FirstRows> {
  const statements = [
    'CLOSE ALL',
    `SET LOCAL statement_timeout = ${query.timeoutMs}`,
    declareCursor(query),
    `FETCH ${rows} FROM outbox_rows`,
  ];
  const results = await queryAll(client, statements.join('; '), query.timeoutMs + 2_000);
  const fetched = results.at(-1)!.rows as ReadonlyArray<OutboxRow & { snapshot: string | null }>;
  const snapshot = fetched[0]?.snapshot ?? null;
  return { rows: fetched, snapshot: snapshot === null ? null : parseSnapshot(snapshot) };
}

/** The cursor's next rows; none at its end. */
export async function fetchRows(client: pg.ClientBase, rows: number): Promise<readonly OutboxRow[]> {
  return (await client.query<OutboxRow>(`FETCH ${rows} FROM outbox_rows`)).rows;
}

/** Deletes the rows (none is fine). @returns what the next transactions need to know of this transaction, of its first deletion */
export async function removeRows(
  client: pg.ClientBase,
  rows: readonly OutboxRow[],
  { commit = false } = {},
): Promise<Closing> {
  const statement = deleteRows(rows.map(({ position }) => position));
  const [deletion] = await queryAll(client, commit ? `${statement}; COMMIT` : statement);
  const { snapshot, xid } = deletion!.rows[0] as { snapshot: string; xid: string };
  return { snapshot: parseSnapshot(snapshot), xid: Number(xid) };
}

/** The results of all statements of one message. */
async function queryAll(client: pg.ClientBase, text: string, queryTimeoutMs?: number): Promise<pg.QueryResult[]> {
  const timeout = queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs };
  // pg answers one statement with a result, several with an array.
  const answer = (await client.query({ text, ...timeout })) as pg.QueryResult | pg.QueryResult[];
  return Array.isArray(answer) ? answer : [answer];
}
