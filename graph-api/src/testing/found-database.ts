import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { sharedServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { runMigrations } from '@exact-ratings/stack/processes/migrate-process.js';
import pg from 'pg';

const PAGE = readFileSync(new URL('../../../docs/postgresql.md', import.meta.url), 'utf8');

/** A role of its own with a migrated database, as an operator might have set both up. */
export interface FoundDatabase {
  readonly role: string;
  readonly name: string;
  readonly env: Record<string, string>;
  readonly config: DatabaseConfig;
  /** As the superuser, in that database. */
  readonly admin: pg.Pool;
  drop(): Promise<void>;
}

/** A copy of the migrated template, and a role with the rights that docs/postgresql.md grants. */
export async function findMigratedDatabase(): Promise<FoundDatabase> {
  const database = await createTestDatabase();
  const found = await withRole(database);
  await found.admin.query(documentedGrants(found.role));
  return found;
}

/** The GRANTs of docs/postgresql.md, for this role and the schema `public`. */
function documentedGrants(role: string): string {
  const grants = PAGE.match(/^ *GRANT .* TO graph_api;$/gm);
  if (grants === null) throw new Error('docs/postgresql.md grants nothing to graph_api');
  return grants.join('\n').replaceAll('graph_api', role).replace('SCHEMA ratings', 'SCHEMA public');
}

async function withRole(database: TestDatabase): Promise<FoundDatabase> {
  const role = `role_${randomUUID().replaceAll('-', '')}`;
  await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a word'`);
  const env = { ...database.env, DATABASE_USER: role, DATABASE_PASSWORD: 'a word' };
  return {
    role,
    name: database.config.database,
    env,
    config: { ...database.config, user: role, password: 'a word' },
    admin: database.pool,
    drop: async () => {
      await database.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      await database.drop();
    },
  };
}

/** An empty database, made with these options of CREATE DATABASE, and a role that owns it. */
export async function findEmptyDatabase(options = ''): Promise<FoundDatabase> {
  const template = await createTestDatabase(sharedServers().env);
  const found = await withRole(template);
  const name = `found_${randomUUID().replaceAll('-', '')}`;
  await found.admin.query(`CREATE DATABASE ${name} OWNER ${found.role} TEMPLATE template0 ${options}`);
  const { host, port, user, password } = template.config;
  const admin = new pg.Pool({ host, port, user, password, database: name, max: 5 });
  admin.on('error', () => undefined);
  return {
    ...found,
    name,
    env: { ...found.env, DATABASE_DB: name },
    config: { ...found.config, database: name },
    admin,
    drop: async () => {
      await admin.end();
      await found.admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await found.drop();
    },
  };
}

/** Runs `migrate` as that role. @throws with the last line that it printed */
export function migrate({ env }: Pick<FoundDatabase, 'env'>, variables: Record<string, string> = {}): Promise<void> {
  const servers = sharedServers();
  return runMigrations({ ...servers.env, ...env, MIGRATE_WAIT_SECONDS: '30', ...variables }, servers);
}
