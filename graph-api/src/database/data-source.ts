import 'reflect-metadata';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { DataSource } from 'typeorm';
import { ProductEntity } from './entities/product.entity.js';
import { Catalogue1764000000000 } from './migrations/1764000000000-catalogue.js';
import { ReviewCapture1764000001000 } from './migrations/1764000001000-review-capture.js';
import { ReviewCommands1764000002000 } from './migrations/1764000002000-review-commands.js';
import { AdvanceReviewSequence1764000003000 } from './migrations/1764000003000-advance-review-sequence.js';

/** In the order in which they run. */
export const MIGRATIONS = [
  Catalogue1764000000000,
  ReviewCapture1764000001000,
  ReviewCommands1764000002000,
  AdvanceReviewSequence1764000003000,
];

export interface DataSourceOptions {
  readonly poolSize: number;
  /** A statement that waits for a lock that never comes must not hold its caller for ever; 0 = no limit. */
  readonly statementTimeoutMs: number;
  /** Hears of errors of idle connections, such as a restart of PostgreSQL; the pool replaces them by itself. */
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
    entities: [ProductEntity],
    migrations: MIGRATIONS,
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    synchronize: false,
    logging: false,
    poolSize: options.poolSize,
    poolErrorHandler: options.onPoolError,
    connectTimeoutMS: 3_000,
    extra: {
      statement_timeout: options.statementTimeoutMs,
      // The client's own limit, for a server that does not answer at all.
      ...(options.statementTimeoutMs === 0 ? {} : { query_timeout: options.statementTimeoutMs + 2_000 }),
      keepAlive: true,
    },
  });
}

/** Whether PostgreSQL answers and has run the newest migration that this code knows. Rejects where it does not answer. */
export async function isMigrated(dataSource: DataSource): Promise<boolean> {
  if (!dataSource.isInitialized) return false;
  const newest = MIGRATIONS.at(-1)!.name;
  const rows: unknown[] = await dataSource.query('SELECT FROM schema_migrations WHERE name = $1', [newest]);
  return rows.length > 0;
}
