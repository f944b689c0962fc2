import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type { Stack } from '@exact-ratings/stack/stack.js';
import { launchApp, type AppProcess } from '../testing/app-process.js';
import { migrate } from '../testing/found-database.js';

let servers: Stack;
let database: TestDatabase;
let app: AppProcess | undefined;

beforeAll(async () => {
  servers = await startOwnServers('postgres');
  database = await createTestDatabase(servers.env);
}, 60_000);
afterAll(async () => {
  await app?.dispose();
  await database?.pool.end();
  await servers?.stop();
});

test('a standby is refused by migrate and waited for by the service, until it is promoted', async () => {
  await servers.postgres.stop();
  await writeFile(join(servers.postgres.dataDirectory, 'standby.signal'), '');
  await servers.postgres.start();
  const reason = 'this PostgreSQL is a standby, which takes no changes and may be behind: DATABASE_HOST must lead to';
  await expect(migrate(database, { MIGRATE_WAIT_SECONDS: '1' })).rejects.toThrow(reason);
  app = await launchApp(database.env);
  const { log, statusOf } = app;
  await eventually('it says why it waits', () => log().includes(reason));
  expect(await statusOf('/ready')).toBe(503);
  await database.pool.query('SELECT pg_promote()');
  await eventually('it serves', async () => (await statusOf('/ready')) === 200, 25_000);
}, 90_000);
