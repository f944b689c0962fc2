import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readDatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import pg from 'pg';
import { stackEnvironment } from './stack-environment.js';

/** `npm run --silent sql -- STATEMENT`: runs one statement on the stack's PostgreSQL and prints its rows. */
const [statement] = process.argv.slice(2);

try {
  if (statement === undefined) throw new Error('Usage: npm run --silent sql -- "SELECT …"');
  const config = readDatabaseConfig(new EnvReader(await stackEnvironment('DATABASE_HOST')), false);
  const client = new pg.Client(postgresOptions(config, 'console'));
  await client.connect();
  try {
    const { rows, rowCount, command } = await client.query<Record<string, unknown>>(statement);
    if (rows.length > 0) console.table(rows);
    else console.log(`${command} ${rowCount ?? ''}`);
  } finally {
    await client.end();
  }
} catch (error) {
  console.error(errorMessage(error));
  process.exitCode = 1;
}
