import { runMigrations } from '@exact-ratings/stack/processes/migrate-process.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import pg from 'pg';
import type { Fault, FaultContext } from './fault.js';

/** Runs two migrations of one database at once; both must succeed. */
async function migrateTwice({ bed, violation }: FaultContext, database?: string): Promise<void> {
  const env = { ...bed.system.env, ...(database === undefined ? {} : { DATABASE_DB: database }) };
  const migrate = () => runMigrations(env, bed.system.stack);
  const outcomes = await Promise.allSettled([migrate(), migrate()]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') violation(String(outcome.reason));
}

/**
 * Migrates an empty database twice at once. A table that is not committed yet holds up both, so that they really run
 * side by side, whichever starts first.
 */
async function migrateEmptyDatabase(context: FaultContext, database: string): Promise<void> {
  const { bed, violation, note } = context;
  const { host, port, user, password } = bed.pool.options;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    await client.query('BEGIN; CREATE TABLE schema_migrations ()');
    const migrated = migrateTwice(context, database);
    // With a lock of their own one of the two waits for the other, perhaps by asking again and again.
    const waiting = await waitUntil(
      async () => {
        const { rowCount } = await bed.pool.query(
          `SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
          [database],
        );
        return rowCount === 2;
      },
      { timeoutMs: 10_000 },
    );
    note(waiting === true ? 'both waited' : 'one waited');
    await client.query('ROLLBACK');
    await migrated;
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::integer AS count FROM schema_migrations');
    if (rows[0]!.count === 0) violation(`${database} has had no migration`);
  } finally {
    await client.end();
  }
}

export const migrationFaults: readonly Fault[] = [
  {
    name: 'two-migrations',
    row: 41,
    title: 'two migrations at once, of an empty database and of the one under load',
    repeatable: true,
    inject: async (context) => {
      const { bed, name } = context;
      const database = `${name}_empty`.replaceAll('-', '_');
      await bed.pool.query(`CREATE DATABASE ${database}`);
      await migrateEmptyDatabase(context, database);
      await bed.pool.query(`DROP DATABASE ${database} WITH (FORCE)`);
      await migrateTwice(context);
    },
  },
];
