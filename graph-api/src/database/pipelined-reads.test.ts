import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type pg from 'pg';
import { createPool } from './database.js';
import { PipelinedReads } from './pipelined-reads.js';

let database: TestDatabase;
let reads: PipelinedReads;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

beforeEach(() => {
  reads = open(1);
});
afterEach(() => reads.close());

function open(connections: number): PipelinedReads {
  const onPoolError = (): void => undefined;
  const options = { size: connections, statementTimeoutMs: 10_000, onPoolError, pipeline: true };
  return new PipelinedReads(createPool(database.config, options), connections);
}

const read = (text: string, values: unknown[] = [], name?: string): Promise<{ rows: unknown[] }> =>
  reads.query({ text, values, ...(name === undefined ? {} : { name }) })!;

test('reads at the same time share a connection, and each gets its own answer or error', async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) =>
      read('SELECT 100 / $1::int AS x, pg_backend_pid() AS pid', [i % 10], 'divide'),
    ),
  );
  const pids = new Set<unknown>();
  answers.forEach((answer, i) => {
    if (i % 10 === 0) return expect(answer).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
    const [row] = (answer as PromiseFulfilledResult<{ rows: unknown[] }>).value.rows as Array<{
      x: number;
      pid: number;
    }>;
    expect(row!.x).toBe(Math.trunc(100 / (i % 10)));
    pids.add(row!.pid);
  });
  expect(pids.size).toBe(1);
});

test('a connection that breaks fails what it owes; the next read has a new one', async () => {
  const { rows } = await read('SELECT pg_backend_pid() AS pid');
  const { pid } = rows[0] as { pid: number };
  const owed = Promise.allSettled([read('SELECT pg_sleep(60)'), read('SELECT 1')]);
  await eventually('the connection sleeps', async () => (await sleeping(database.pool)) === 1);
  await database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
  expect((await owed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect((await read('SELECT pg_backend_pid() <> $1 AS is_new', [pid])).rows).toEqual([{ is_new: true }]);
});

test('a connection that breaks while nothing is asked of it is replaced', async () => {
  const { rows } = await read('SELECT pg_backend_pid() AS pid');
  await database.pool.query('SELECT pg_terminate_backend($1)', [(rows[0] as { pid: number }).pid]);
  await eventually('reads work again', async () => {
    const answer = await read('SELECT 1 AS one').catch(() => null);
    return answer?.rows.length === 1;
  });
});

test('while a connection is held up it takes nothing more', async () => {
  await read('SELECT 1');
  const held = read('SELECT pg_sleep(60)').catch((error: unknown) => error);
  const query = { text: 'SELECT 1 AS one', values: [] };
  await eventually('the connection takes nothing', () => {
    const answer = reads.query(query);
    void answer?.catch(() => undefined);
    return answer === null;
  });
  await database.pool.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'`);
  expect(await held).toMatchObject({ code: '57014' });
  await eventually('it takes reads again', async () => (await reads.query(query))?.rows.length === 1);
});

test('without connections it takes nothing', async () => {
  const none = open(0);
  expect(none.query({ text: 'SELECT 1', values: [] })).toBeNull();
  await none.close();
});

async function sleeping(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`);
  return rowCount!;
}
