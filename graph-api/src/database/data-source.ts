import 'reflect-metadata';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { prepareSession } from '@exact-ratings/shared/clients/postgres-session.js';
import { DataSource } from 'typeorm';
import { MIGRATIONS } from './migrations.js';

export interface DataSourceOptions {
  /** The classes that describe tables to TypeORM; the subjects bring them. */
  readonly entities: ReadonlyArray<new () => object>;
  readonly poolSize: number;
  /** A statement that waits for a lock that never comes must not hold its caller for ever; 0 = no limit. */
  readonly statementTimeoutMs: number;
  /** Called when an idle connection fails, such as by a restart of PostgreSQL; the pool replaces it. */
  readonly onPoolError: (error: unknown) => void;
}

/** TypeORM on PostgreSQL. The schema comes from migrations alone: `synchronize` is off. */
export function createDataSource(config: DatabaseConfig, options: DataSourceOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    host: config.host,
    port: config.port,
    username: config.user,
    password: config.password,
    database: config.database,
    ssl: config.ssl,
    applicationName: 'graph-api',
    entities: [...options.entities],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    synchronize: false,
    logging: false,
    poolSize: options.poolSize,
    poolErrorHandler: options.onPoolError,
    connectTimeoutMS: 3_000,
    extra: {
      onConnect: prepareSession(options.statementTimeoutMs),
      // The client's own limit, for a server that does not answer at all.
      ...(options.statementTimeoutMs === 0 ? {} : { query_timeout: options.statementTimeoutMs + 2_000 }),
      keepAlive: true,
    },
  });
}
