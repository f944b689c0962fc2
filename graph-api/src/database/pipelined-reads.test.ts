import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { createPool, Database } from './database.js';
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

function open(connections: number, statementTimeoutMs = 10_000): PipelinedReads {
  const onPoolError = (): void => undefined;
  const options = { size: connections, statementTimeoutMs, onPoolError, pipeline: true };
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

test('a statement that is refused leaves its connection as it is', async () => {
  const pid = await backend(reads);
  await expect(read('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
  expect(await backend(reads)).toBe(pid);
});

test('a connection whose answer did not come in time is given up: the answer would be taken for that of another', async () => {
  const impatient = open(1, 10);
  try {
    const pid = await backend(impatient);
    await impatient.query({ text: `SELECT set_config('statement_timeout', '0', false)`, values: [] });
    await expect(impatient.query({ text: 'SELECT pg_sleep(60)', values: [] })).rejects.toThrow('Query read timeout');
    expect(await backend(impatient)).not.toBe(pid);
    await database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
    await eventually('nothing sleeps', async () => (await sleeping(database.pool)) === 0);
  } finally {
    await impatient.close();
  }
});

test('the connection that owes least takes the next read', async () => {
  const two = open(2);
  try {
    const pids = await Promise.all(Array.from({ length: 10 }, () => backend(two)));
    const ofFirst = pids.filter((pid) => pid === pids[0]).length;
    expect(ofFirst).toBe(5);
  } finally {
    await two.close();
  }
});

test('what one turn of the event loop asks for is one write', async () => {
  await read('SELECT 1', [], 'one');
  const writes = jest.spyOn(Socket.prototype as unknown as { _writev: () => void }, '_writev');
  const single = jest.spyOn(Socket.prototype as unknown as { _write: () => void }, '_write');
  try {
    await Promise.all(Array.from({ length: 20 }, () => read('SELECT 1', [], 'one')));
    expect(writes.mock.calls.length + single.mock.calls.length).toBe(1);
  } finally {
    writes.mockRestore();
    single.mockRestore();
  }
});

test('a connection that breaks fails what it owes; the next read has a new one', async () => {
  const { rows } = await read('SELECT pg_backend_pid() AS pid');
  const { pid } = rows[0] as { pid: number };
  const owed = Promise.allSettled([read('SELECT pg_sleep(60)'), read('SELECT 1')]);
  await eventually('the connection sleeps', async () => (await sleeping(database.pool)) === 1);
  await database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
  const outcomes = await owed;
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  for (const outcome of outcomes) {
    expect(String((outcome as PromiseRejectedResult).reason)).toMatch(/terminat/i);
  }
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

describe('by the clock', () => {
  const QUERY = { text: 'SELECT 1 AS one', values: [] };
  let now: number;
  beforeEach(() => {
    now = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => jest.restoreAllMocks());

  test('a connection that owes nothing takes reads, however long ago its last answer was', async () => {
    await read('SELECT 1');
    now += 60_000;
    expect((await reads.query(QUERY))?.rows).toEqual([{ one: 1 }]);
  });

  test('a connection that owes much is not held up while it answers', async () => {
    const locker = await database.pool.connect();
    try {
      await locker.query('SELECT pg_advisory_lock(1)');
      const answered = read('SELECT 1');
      const owed = read('SELECT pg_advisory_lock(1)');
      now += 40;
      await answered;
      now += 40;
      const another = reads.query(QUERY);
      expect(another).not.toBeNull();
      now += 40;
      expect(reads.query(QUERY)).toBeNull();
      // The pool answers in its place.
      const withPool = new Database(
        { driver: { master: database.pool } } as unknown as DataSource,
        database.pool,
        reads,
      );
      expect(await withPool.rows({ text: QUERY.text }, [])).toEqual([{ one: 1 }]);
      await locker.query('SELECT pg_advisory_unlock(1)');
      await Promise.all([owed, another]);
    } finally {
      locker.release(true);
    }
  });
});

test('without connections it takes nothing', async () => {
  const none = open(0);
  expect(none.query({ text: 'SELECT 1', values: [] })).toBeNull();
  await none.close();
});

/** The process of PostgreSQL that answers. */
async function backend(of: PipelinedReads): Promise<number> {
  const { rows } = await of.query({ text: 'SELECT pg_backend_pid() AS pid', values: [] })!;
  return (rows[0] as { pid: number }).pid;
}

async function sleeping(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`);
  return rowCount!;
}
