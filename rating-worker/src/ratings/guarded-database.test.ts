import { randomUUID } from 'node:crypto';
import { readStreamPositions } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { createDatabasePool } from '../connections.js';
import { DatabaseUnavailableError, GuardedDatabase } from './guarded-database.js';

let database: TestDatabase;
const role = `worker_${randomUUID().slice(0, 8)}`;
const log: Array<{ level: string; msg: string }> = [];
const logger = createLogger('test', 'info', { write: (line) => log.push(JSON.parse(line) as (typeof log)[number]) });

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`);
});
beforeEach(() => void log.splice(0));
afterAll(async () => {
  await database.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

/** PostgreSQL as the role sees it, or as `changed` says. */
async function withGuard(
  changed: Partial<TestDatabase['config']>,
  work: (guarded: GuardedDatabase) => Promise<void>,
): Promise<void> {
  const config = { ...database.config, user: role, password: role, ...changed };
  const pool = createDatabasePool(config, { size: 1, statementTimeoutMs: 5_000 }, createLogger('test', 'silent'));
  try {
    await work(new GuardedDatabase(pool, logger));
  } finally {
    await pool.end();
  }
}

const read = (guarded: GuardedDatabase): Promise<unknown> => readStreamPositions(guarded, [randomUUID()]);

test.each([
  ['a role without the view', {}, /permission denied.*grants that docs\/postgresql.md lists for rating_worker/],
  ['a wrong password', { password: 'wrong' }, /login refused.*DATABASE_PASSWORD/],
  ['a database that is not there', { database: 'nowhere' }, /login refused.*DATABASE_NAME/],
  ['a database without the view', { database: 'postgres' }, /not migrated.*npm run migrate/],
  ['a server that is not there', { port: 1 }, /unavailable.*rebuilds wait/],
])('%s: says what to do', async (_, changed, message) => {
  await withGuard(changed, async (guarded) => {
    await expect(read(guarded)).rejects.toThrow(message);
    await expect(read(guarded)).rejects.toThrow(DatabaseUnavailableError);
    expect(log.map(({ level }) => level)).toEqual(['warn']);
    expect(log[0]!.msg).toMatch(message);
  });
});

test('another reason is logged again, and the answer once it comes', async () => {
  await database.pool.query(`GRANT SELECT ON rating_aggregates TO ${role}`);
  let query: () => Promise<{ rows: unknown[] }> = () => Promise.reject(new Error('Connection terminated'));
  const guarded = new GuardedDatabase({ query: () => query() }, logger);
  await expect(read(guarded)).rejects.toThrow('unavailable');
  query = () => Promise.reject(Object.assign(new Error('permission denied for view'), { code: '42501' }));
  await eventually('the pause is over', () =>
    read(guarded).catch((error: unknown) => String(error).includes('permission denied')),
  );
  query = () => Promise.resolve({ rows: [] });
  await eventually('the pause is over', () =>
    read(guarded).then(
      () => true,
      () => false,
    ),
  );
  expect(log.map(({ msg }) => msg.replace(/:.*/, ''))).toEqual([
    'PostgreSQL fails (unavailable)',
    'PostgreSQL fails (permission denied)',
    'PostgreSQL answers again',
  ]);
});

test('an answer about one statement stops no other', async () => {
  await withGuard({ user: database.config.user, password: database.config.password }, async (guarded) => {
    await expect(
      guarded.query({ name: 'slow', text: "SELECT set_config('statement_timeout', '20ms', false)", values: [] }),
    ).resolves.toBeDefined();
    await expect(guarded.query({ name: 'sleep', text: 'SELECT pg_sleep(60)', values: [] })).rejects.toMatchObject({
      code: '57014',
    });
    await expect(read(guarded)).resolves.toBeDefined();
    expect(log).toEqual([]);
  });
});
