import type { ClientConfig } from 'pg';
import type { DatabaseConfig } from '../config/server-config.js';

/**
 * Where the configured PostgreSQL is, for pg's Pool and Client.
 * @param applicationName shown by `pg_stat_activity`
 */
export function postgresOptions(config: DatabaseConfig, applicationName: string): ClientConfig {
  return {
    host: config.host,
    port: config.port,
    user: config.user,
    password: config.password,
    database: config.database,
    ssl: config.ssl,
    application_name: applicationName,
    keepAlive: true,
  };
}
