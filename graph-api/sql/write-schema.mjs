/**
 * Writes sql/schema.sql from the migrations, on a PostgreSQL of its own (one second). With `--check` it only says whether
 * the committed file is what the migrations make.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { startStack } from '@exact-ratings/stack/stack.js';
import pg from 'pg';
import { createDataSource } from '../dist/database/data-source.js';
import { dumpSchema } from '../dist/database/schema-dump.js';

const file = new URL('schema.sql', import.meta.url);

async function migratedSchema() {
  const stack = await startStack({
    name: `schema-${process.pid}`,
    services: ['postgres'],
    fresh: true,
    removeOnStop: true,
    durable: false,
  });
  try {
    const { DATABASE_HOST: host, DATABASE_USER: user, DATABASE_PASSWORD: password, DATABASE_DB: database } = stack.env;
    const config = { host, port: Number(stack.env.DATABASE_PORT), user, password, database, ssl: false };
    const dataSource = createDataSource(config, {
      entities: [],
      poolSize: 1,
      statementTimeoutMs: 0,
      onPoolError: () => undefined,
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    const client = new pg.Client(config);
    await client.connect();
    try {
      return await dumpSchema(client);
    } finally {
      await client.end();
    }
  } finally {
    await stack.stop();
  }
}

const schema = await migratedSchema();
if (!process.argv.includes('--check')) {
  await writeFile(file, schema);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== schema) {
  process.stderr.write(
    'graph-api/sql/schema.sql is not what the migrations make: run `npm run codegen` and commit it\n',
  );
  process.exitCode = 1;
}
