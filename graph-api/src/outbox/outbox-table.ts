import type pg from 'pg';

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
 * Taken without waiting: a transaction that waits for a lock holds back vacuum for as long. The lock ends with the
 * transaction, whatever ends that. It must be the transaction's first statement, so that the next one, the read, has a
 * snapshot with everything that the relay before has deleted.
 */
const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock($1) AS held';

/**
 * The oldest rows first. For one product the order of position is the order of seq, and a row becomes visible after all
 * its product's earlier ones, so whatever is visible of a product is a prefix of its events. Never `position > last`:
 * positions of different products commit out of order.
 */
const READ_BATCH = {
  name: 'outbox_batch',
  text: 'SELECT position, aggregateid, payload::text AS payload FROM outbox ORDER BY position LIMIT $1',
};

/** By position and not by range: rows between those of the batch may have become visible after the read. */
const DELETE_BATCH = { name: 'outbox_delete', text: 'DELETE FROM outbox WHERE position = ANY ($1::bigint[])' };

/** Whether this transaction is the one that may publish, of all relays on this database. */
export async function tryRelayLock(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(TRY_LOCK, [RELAY_LOCK_ID]);
  return rows[0]!.held;
}

/** At most `limit` rows, the oldest first. */
export async function readBatch(client: pg.ClientBase, limit: number): Promise<OutboxRow[]> {
  return (await client.query<OutboxRow>({ ...READ_BATCH, values: [limit] })).rows;
}

export async function deleteBatch(client: pg.ClientBase, batch: readonly OutboxRow[]): Promise<void> {
  await client.query({ ...DELETE_BATCH, values: [batch.map(({ position }) => position)] });
}
