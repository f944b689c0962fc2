import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import pg from 'pg';
import { LIFT_TIME_LIMITS } from './transaction-limits.js';

/** Id of the advisory lock that one migration at a time holds. An arbitrary constant, the same in every release. */
const MIGRATION_LOCK_ID = '7164823506117843';

/**
 * Runs `work` while no other process migrates this database: TypeORM itself takes no lock, and two deployments that start at
 * once would both run the first missing migration.
 *
 * The lock is that of a transaction on a connection of its own, so it holds through a pooler in transaction mode as well, and
 * PostgreSQL lets it go when this process dies.
 * @param onWait called once where another process holds the lock
 * @throws PostgreSQL's error 55P03 where the lock is not had within `waitMs`
 */
export async function withMigrationLock<T>(
  config: DatabaseConfig,
  waitMs: number,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...postgresOptions(config, 'migrate'), connectionTimeoutMillis: 3_000 });
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost = error;
  });
  await client.connect();
  try {
    await client.query('BEGIN');
    // A migration may take long, and this transaction is idle all the while.
    await client.query(LIFT_TIME_LIMITS);
    await client.query(`SET LOCAL lock_timeout = ${Math.ceil(waitMs)}`);
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS held', [
      MIGRATION_LOCK_ID,
    ]);
    if (rows[0]?.held !== true) {
      onWait();
      await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK_ID]);
    }
    const result = await work();
    if (lost !== undefined) throw lost;
    await client.query('COMMIT');
    return result;
  } finally {
    await client.end().catch(() => undefined);
  }
}
