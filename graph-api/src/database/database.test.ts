import { randomUUID } from 'node:crypto';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createDataSource } from './data-source.js';
import { createPool, Database, poolSizes } from './database.js';
import { PipelinedReads } from './pipelined-reads.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test.each([
  [1, { reads: 1, pipelined: 0, writes: 1 }],
  [2, { reads: 1, pipelined: 0, writes: 1 }],
  [3, { reads: 1, pipelined: 1, writes: 1 }],
  [10, { reads: 4, pipelined: 2, writes: 4 }],
  [100, { reads: 58, pipelined: 2, writes: 40 }],
])('%i connections are %j', (connections, sizes) => {
  expect(poolSizes(connections, 2)).toEqual(sizes);
});

test('a refused statement costs no connection; one that fails with it does', async () => {
  const onPoolError = (): void => undefined;
  const writes = createPool(database.config, { size: 1, statementTimeoutMs: 5_000, onPoolError });
  const options = { entities: [], poolSize: 1, statementTimeoutMs: 5_000, onPoolError };
  const sql = new Database(createDataSource(database.config, options), writes, new PipelinedReads(writes, 0));
  const backend = async (): Promise<unknown> =>
    (await sql.write({ text: 'SELECT pg_backend_pid() AS pid', values: [] })).rows[0];
  try {
    const before = await backend();
    const insert = { text: `INSERT INTO authors (issuer, subject, display_name) VALUES ('', 'a', 'A')`, values: [] };
    await sql.write(insert);
    await expect(sql.write(insert)).rejects.toMatchObject({ code: '23505' });
    expect(await backend()).toEqual(before);
    await expect(sql.write({ text: 'SELECT pg_terminate_backend(pg_backend_pid())', values: [] })).rejects.toThrow();
    expect(await backend()).not.toEqual(before);
  } finally {
    await writes.end();
  }
});

describe('while somebody holds a product locked', () => {
  let app: TestApp;
  let product: string;
  beforeAll(async () => {
    app = await startTestApp(database.env);
    product = await insertProduct(database.pool);
    await insertReview(database.pool, product, 4);
  });
  afterAll(() => app?.stop());

  /** An author with a review of the product, who changes its text. */
  const newWriter = async (): Promise<() => Promise<Answer>> => {
    const token = await newUserToken();
    const create = 'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id } } }';
    const { id } = dataOf(await query(app.origin, create, { id: product }, { token })).createReview.review;
    const update =
      'mutation ($id: ID!, $body: String) { updateReview(input: { id: $id, body: $body }) { ratingVersion } }';
    return () => query(app.origin, update, { id, body: randomUUID() }, { token });
  };
  const read = async (): Promise<void> => {
    dataOf(await query(app.origin, '{ products { nodes { id name reviews { nodes { id } } } } }'));
  };
  const waiting = async (): Promise<number> => {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rowCount!;
  };

  async function hold(): Promise<() => Promise<void>> {
    const holder = await database.pool.connect();
    await holder.query('BEGIN');
    await holder.query('UPDATE reviews SET rating = 1 WHERE product_id = $1', [product]);
    return async () => {
      await holder.query('ROLLBACK');
      holder.release();
    };
  }

  test('reads answer as before', async () => {
    const write = await Promise.all(Array.from({ length: 8 }, newWriter));
    // None may give up before the read is over, however busy the machine.
    await database.pool.query(`ALTER FUNCTION update_review SET lock_timeout = '60s'`);
    const release = await hold();
    let answered = 0;
    const writers = Promise.all(write.map((change) => change().finally(() => (answered += 1))));
    await eventually('as many writers wait as there are connections for them', async () => (await waiting()) >= 4);
    // A read that waited for a connection would get that of a writer that has been answered.
    await read();
    expect(answered).toBe(0);
    await release();
    for (const { errors } of await writers) expect(errors).toEqual([]);
    await database.pool.query(`ALTER FUNCTION update_review SET lock_timeout = '2s'`);
  }, 60_000);

  test('writers are told within seconds to try again', async () => {
    const write = await newWriter();
    const release = await hold();
    expect((await write()).errors[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
    await release();
    expect((await write()).errors).toEqual([]);
  }, 60_000);
});
