import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readDatabaseConfig, type DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import pg from 'pg';
import { createDataSource } from '../database/data-source.js';
import { newId } from '../graphql/ids.js';

const TEMPLATE = 'ratings_template';
/** Any number: one process at a time makes the template. */
const TEMPLATE_LOCK = 20_251_124;

/** The variables of the servers that the whole run shares. */
export function stackEnvironment(): Record<string, string> {
  const text = process.env['TEST_STACK'];
  if (text === undefined) throw new Error('TEST_STACK is not set: run jest with graph-api/jest.config.mjs');
  return JSON.parse(text) as Record<string, string>;
}

/** A migrated database of one test or file. */
export interface TestDatabase {
  readonly config: DatabaseConfig;
  readonly pool: pg.Pool;
  /** The servers' variables with this database in them. */
  readonly env: Record<string, string>;
  drop(): Promise<void>;
}

/** A copy of a migrated template: some 50 ms. */
export async function createTestDatabase(environment = stackEnvironment()): Promise<TestDatabase> {
  const admin = new pg.Client(connection(environment));
  await admin.connect();
  const name = `test_${newId().replaceAll('-', '')}`;
  try {
    await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (rowCount === 0) await createTemplate(admin, environment);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  } finally {
    await admin.end();
  }
  const env = { ...environment, DATABASE_DB: name };
  const pool = new pg.Pool({ ...connection(env), max: 40 });
  pool.on('error', () => undefined);
  return {
    config: connection(env),
    pool,
    env,
    drop: async () => {
      await pool.end();
      const client = new pg.Client(connection(environment));
      await client.connect();
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`).finally(() => client.end());
    },
  };
}

function connection(environment: Record<string, string>): DatabaseConfig {
  return readDatabaseConfig(new EnvReader(environment), false);
}

async function createTemplate(admin: pg.Client, environment: Record<string, string>): Promise<void> {
  const building = `${TEMPLATE}_building`;
  await admin.query(`DROP DATABASE IF EXISTS ${building}`);
  await admin.query(`CREATE DATABASE ${building}`);
  const dataSource = createDataSource(connection({ ...environment, DATABASE_DB: building }), {
    entities: [],
    poolSize: 1,
    statementTimeoutMs: 0,
    onPoolError: () => undefined,
  });
  await dataSource.initialize();
  try {
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
  await admin.query(`ALTER DATABASE ${building} RENAME TO ${TEMPLATE}`);
}
