import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type pg from 'pg';
import { buildGraphQLSchema } from '../server/build-schema.js';
import { contents, everyMutation } from '../testing/every-mutation.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp } from '../testing/test-app.js';
import { createDataSource } from './data-source.js';
import { createPool, Database, type PgQuery } from './database.js';
import { PipelinedReads } from './pipelined-reads.js';
import { noteClock } from './postgres-clock.js';

const onPoolError = (): void => undefined;
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let writes: pg.Pool;
let changes: Database;

beforeEach(async () => {
  database = await createTestDatabase();
  writes = createPool(database.config, { size: 1, statementTimeoutMs: 15_000, onPoolError });
  const options = { entities: [], poolSize: 1, statementTimeoutMs: 15_000, onPoolError };
  changes = new Database(createDataSource(database.config, options), writes, new PipelinedReads(writes, 0));
});
afterEach(async () => {
  await writes.end();
  await database.drop();
});

/** Stops this process, its timers and sockets included, as SIGSTOP would. */
function freeze(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const renaming = (id: string, validUntilMs: number): PgQuery => ({
  text: `UPDATE products SET name = 'renamed' WHERE id = $1 AND require_in_time($2) RETURNING name`,
  values: [id, validUntilMs],
});

test('a process that is frozen between its look and the statement: PostgreSQL refuses it, and the look is repeated', async () => {
  const product = await insertProduct(database.pool);
  let looks = 0;
  const { rows } = await changes.changeForAll((validUntilMs) => {
    looks += 1;
    const statement = renaming(product, validUntilMs);
    if (looks === 1) freeze(2_500);
    return statement;
  });
  expect([looks, rows]).toEqual([2, [{ name: 'renamed' }]]);
});

test('the same where nobody waits any more at the second look: nothing is changed', async () => {
  const product = await insertProduct(database.pool);
  const before = await contents(database.pool);
  let looks = 0;
  const change = changes.changeForAll((validUntilMs) => {
    looks += 1;
    if (looks === 2) throw new Error('given up');
    const statement = renaming(product, validUntilMs);
    freeze(2_500);
    return statement;
  });
  await expect(change).rejects.toThrow('given up');
  expect(await contents(database.pool)).toEqual(before);
});

test('a clock of PostgreSQL that was put forward costs a statement, once; the change is made', async () => {
  const product = await insertProduct(database.pool);
  const client = await writes.connect();
  noteClock(client, Date.now() - HOUR_MS);
  client.release();
  const attempts: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    const { rows } = await changes.changeForAll((validUntilMs) => {
      attempts.push(i);
      return renaming(product, validUntilMs);
    });
    expect(rows).toEqual([{ name: 'renamed' }]);
  }
  expect(attempts).toEqual([0, 0, 1]);
});

test('every mutation carries its time: where PostgreSQL takes all for late, all answer 503 and none changes anything', async () => {
  const app = await startTestApp(database.env);
  try {
    const mutations = await everyMutation(database.pool);
    const fields = Object.keys(buildGraphQLSchema().getMutationType()!.getFields());
    // A new mutation gets an example in `every-mutation.ts`.
    expect(mutations.map(({ name }) => name).sort()).toEqual(fields.sort());

    const { rows } = await database.pool.query<{ definition: string }>(
      `SELECT pg_get_functiondef('require_in_time'::regproc) AS definition`,
    );
    const { definition } = rows[0]!;
    await database.pool.query(definition.replace('now_ms > p_valid_until_ms', 'true'));
    const before = await contents(database.pool);
    for (const { name, operation, token } of mutations) {
      const { status, errors } = await query(app.origin, operation, {}, { token });
      expect([name, status, errors[0]!.extensions]).toEqual([
        name,
        503,
        expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', retryable: true }),
      ]);
    }
    expect(await contents(database.pool)).toEqual(before);

    await database.pool.query(definition);
    for (const { name, operation, token } of mutations) {
      expect([name, dataOf(await query(app.origin, operation, {}, { token }))[name]]).toEqual([
        name,
        { userErrors: [] },
      ]);
    }
  } finally {
    await app.stop();
  }
});
