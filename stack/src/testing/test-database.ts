import { randomUUID } from 'node:crypto';
import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readDatabaseConfig, type DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import pg from 'pg';
import { runMigrations } from '../processes/migrate-process.js';
import { waitUntil } from '../wait-until.js';
import { sharedServers } from './shared-servers.js';

const TEMPLATE = 'ratings_template';
/** Id of the advisory lock that one process holds while it makes the template. An arbitrary constant. */
const TEMPLATE_LOCK = 20_251_124;
/** A client's end reaches PostgreSQL a moment later. */
const CLOSE_TIMEOUT_MS = 5_000;

type Environment = Readonly<Record<string, string>>;

/** A migrated database of one test or file. */
export interface TestDatabase {
  readonly config: DatabaseConfig;
  readonly pool: pg.Pool;
  /** The servers' variables with this database in them. */
  readonly env: Record<string, string>;
  /** @throws where something is still connected to it besides `pool`, naming it; the database is gone all the same */
  drop(): Promise<void>;
}

/**
 * A copy of a migrated template, on the servers of the run or on those of `environment`: some 50 ms. Without an
 * environment its `env` names no Kafka: whoever needs one says so.
 */
export async function createTestDatabase(environment: Environment = withoutKafka()): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(environment, async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (rowCount === 0) await createTemplate(admin, environment);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  });
  const env = { ...environment, DATABASE_DB: name };
  const config = databaseConfig(env);
  const pool = new pg.Pool({ ...postgresOptions(config, 'test'), max: 40 });
  pool.on('error', () => undefined);
  return {
    config,
    pool,
    env,
    drop: async () => {
      await pool.end();
      await administer(environment, (admin) => dropUnused(admin, name));
    },
  };
}

function withoutKafka(): Environment {
  return Object.fromEntries(Object.entries(sharedServers().env).filter(([name]) => !name.startsWith('KAFKA_')));
}

async function administer(environment: Environment, work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client(postgresOptions(databaseConfig({ ...environment, DATABASE_DB: 'postgres' }), 'test'));
  await admin.connect();
  await work(admin).finally(() => admin.end());
}

function databaseConfig(environment: Environment): DatabaseConfig {
  return readDatabaseConfig(new EnvReader(environment), false);
}

/** Made under another name and renamed, so that nobody copies half a schema. */
async function createTemplate(admin: pg.Client, environment: Environment): Promise<void> {
  const building = `${TEMPLATE}_building`;
  await admin.query(`DROP DATABASE IF EXISTS ${building}`);
  await admin.query(`CREATE DATABASE ${building}`);
  const servers = sharedServers();
  // The migrations create topics as well: on the Kafka of the run where these servers have none.
  await runMigrations({ ...servers.env, ...environment, DATABASE_DB: building }, servers);
  await admin.query(`ALTER DATABASE ${building} RENAME TO ${TEMPLATE}`);
}

async function dropUnused(admin: pg.Client, name: string): Promise<void> {
  const users = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ application_name: string }>(
      'SELECT application_name FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    return rows.map(({ application_name }) => application_name);
  };
  await waitUntil(async () => (await users()).length === 0, { timeoutMs: CLOSE_TIMEOUT_MS });
  const left = await users();
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  if (left.length > 0) throw new Error(`still connected to a test's database at its end: ${left.join(', ')}`);
}
