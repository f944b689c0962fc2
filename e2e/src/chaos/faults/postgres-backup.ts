import type { PoolClient } from 'pg';
import type { Testbed } from '../../testbed.js';

/** Backs up the rows of all tables into the schema `e2e_backup`, in one snapshot. */
export async function backUpPostgres(bed: Testbed): Promise<void> {
  const client = await bed.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('DROP SCHEMA IF EXISTS e2e_backup CASCADE');
    await client.query('CREATE SCHEMA e2e_backup');
    for (const { name } of await tables(client)) {
      await client.query(`CREATE TABLE e2e_backup.${name} AS TABLE public.${name}`);
    }
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
    const all = await tables(client);
    await client.query(`LOCK TABLE ${all.map(({ name }) => name).join(', ')} IN ACCESS EXCLUSIVE MODE`);
    for (const { name, columns } of all) {
      await client.query(`DELETE FROM public.${name}`);
      await client.query(
        `INSERT INTO public.${name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM e2e_backup.${name}`,
      );
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** The tables of the service, each with the columns that are not computed from others. */
async function tables(client: PoolClient): Promise<Array<{ name: string; columns: string }>> {
  const { rows } = await client.query<{ name: string; columns: string }>(
    `SELECT c.relname AS name, string_agg(a.attname, ', ') AS columns
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
      GROUP BY c.relname`,
  );
  return rows;
}
