import type { Testbed } from '../../testbed.js';

const TABLES = ['products', 'authors', 'reviews', 'review_streams', 'outbox'] as const;

/** Backs up the rows of all tables into the schema `e2e_backup`, in one snapshot. */
export async function backUpPostgres(bed: Testbed): Promise<void> {
  const client = await bed.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('DROP SCHEMA IF EXISTS e2e_backup CASCADE');
    await client.query('CREATE SCHEMA e2e_backup');
    for (const table of TABLES) await client.query(`CREATE TABLE e2e_backup.${table} AS TABLE public.${table}`);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

/** Replaces all rows by those of the backup, with the triggers off as in `pg_restore --disable-triggers`. */
export async function restorePostgres(bed: Testbed): Promise<void> {
  const client = await bed.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SET LOCAL session_replication_role = replica');
    await client.query(`LOCK TABLE ${TABLES.join(', ')} IN ACCESS EXCLUSIVE MODE`);
    for (const table of TABLES) {
      await client.query(`DELETE FROM public.${table}`);
      await client.query(`INSERT INTO public.${table} OVERRIDING SYSTEM VALUE SELECT * FROM e2e_backup.${table}`);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}
