import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type pg from 'pg';

const PAGE = readFileSync(new URL('../../../docs/postgresql.md', import.meta.url), 'utf8');

/** A role that may do what docs/postgresql.md grants to the worker, and nothing else. */
export interface DocumentedRole {
  /** The variables with which it logs in. */
  readonly env: Record<string, string>;
  drop(): Promise<void>;
}

/** @param pool of a superuser, in the database in whose schema `public` the rights are granted */
export async function createDocumentedRole(pool: pg.Pool): Promise<DocumentedRole> {
  const role = `worker_${randomUUID().replaceAll('-', '')}`;
  const grants = PAGE.match(/^ *GRANT .* TO rating_worker;$/gm);
  if (grants === null) throw new Error('docs/postgresql.md grants nothing to rating_worker');
  await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a word'`);
  await pool.query(grants.join('\n').replaceAll('rating_worker', role).replace('SCHEMA ratings', 'SCHEMA public'));
  return {
    env: { DATABASE_USER: role, DATABASE_PASSWORD: 'a word' },
    drop: async () => {
      await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    },
  };
}
