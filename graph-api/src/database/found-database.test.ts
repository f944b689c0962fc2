import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import type { DataSource } from 'typeorm';
import { launchApp, type AppProcess } from '../testing/app-process.js';
import { findEmptyDatabase, findMigratedDatabase, migrate, type FoundDatabase } from '../testing/found-database.js';
import { dataOf, query } from '../testing/graphql.js';
import { arrivedSeqs, recordingPublisher } from '../testing/recording-publisher.js';
import { startTestApp } from '../testing/test-app.js';
import { createDataSource } from './data-source.js';
import { createPool } from './database.js';
import { withMigrationLock } from './migration-lock.js';
import { findSchemaProblems } from './schema-check.js';

let found: FoundDatabase;
let app: AppProcess | undefined;

afterEach(async () => {
  await app?.dispose();
  app = undefined;
  await found.drop();
});

const set = (setting: string, value: string): Promise<unknown> =>
  found.admin.query(`ALTER ROLE ${found.role} IN DATABASE ${found.name} SET ${setting} = ${value}`);

const CREATE_REVIEW = `mutation ($id: ID!, $rating: Int!) {
  createReview(input: { productId: $id, rating: $rating, body: "It\\\\'s 'fine' \\u00e9" }) {
    ratingVersion userErrors { code } review { title body createdAt }
  }
}`;

/** Products and reviews through the API and the relay, several at once: exact ratings, true dates, pages in order. */
async function expectToWork(env: Record<string, string>): Promise<void> {
  const publisher = recordingPublisher();
  const service = await startTestApp(env, publisher);
  try {
    const token = await adminToken();
    const ids: string[] = [];
    for (const name of ['İstanbul', 'ılık', 'Zebra', 'ägypten']) {
      const input = { name, externalId: `I-${name}`, price: { amount: '12345.67', currencyCode: 'EUR' } };
      const text =
        'mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { id } userErrors { code } } }';
      ids.push(dataOf(await query(service.origin, text, { input }, { token })).createProduct.product.id as string);
    }
    const [product] = ids as [string];
    const ratings = [5, 4, 4, 1, 3, 2, 5, 5];
    const answers = await Promise.all(
      ratings.map(async (rating) =>
        query(service.origin, CREATE_REVIEW, { id: product, rating }, { token: await newUserToken('Ada') }),
      ),
    );
    const versions = answers.map((answer) => dataOf(answer).createReview.ratingVersion as number);
    expect(versions.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { review } = dataOf(answers[0]!).createReview as {
      review: { title: string | null; body: string; createdAt: string };
    };
    expect(review.title).toBeNull();
    expect(review.body).toBe(`It\\'s 'fine' é`);
    expect(Math.abs(Date.now() - Date.parse(review.createdAt))).toBeLessThan(60_000);

    const page = `query ($after: String) {
      products(first: 3, after: $after) {
        totalCount nodes { id averageRating reviewCount price { amount } createdAt } pageInfo { endCursor }
      }
    }`;
    const first = dataOf(await query(service.origin, page)).products;
    const second = dataOf(await query(service.origin, page, { after: first.pageInfo.endCursor })).products;
    const nodes = [...first.nodes, ...second.nodes] as Array<{ id: string }>;
    expect(nodes.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(nodes.at(-1)).toMatchObject({ averageRating: 29 / 8, reviewCount: 8, price: { amount: '12345.67' } });

    await eventually('the relay has published all', () => arrivedSeqs(publisher.messages, product).length >= 8);
    expect(arrivedSeqs(publisher.messages, product)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { occurredAt } = JSON.parse(publisher.messages[0]!.value) as { occurredAt: string };
    expect(Math.abs(Date.now() - Date.parse(occurredAt))).toBeLessThan(60_000);
  } finally {
    await service.stop();
  }
}

test.each([
  ['DateStyle', "'German, DMY'"],
  ['IntervalStyle', "'sql_standard'"],
  ['TimeZone', "'Asia/Kathmandu'"],
  ['default_transaction_isolation', "'serializable'"],
  ['default_transaction_isolation', "'repeatable read'"],
  ['bytea_output', "'escape'"],
  ['standard_conforming_strings', 'off'],
  ['extra_float_digits', '-15'],
  ['array_nulls', 'off'],
  ['transform_null_equals', 'on'],
  ['row_security', 'off'],
  ['quote_all_identifiers', 'on'],
  ['client_encoding', "'LATIN1'"],
  ['client_min_messages', "'debug5'"],
  ['jit_above_cost', '0'],
  ['plan_cache_mode', "'force_generic_plan'"],
  ['enable_indexscan', 'off'],
  ['synchronous_commit', 'off'],
])('the role has %s = %s: everything works', async (setting, value) => {
  found = await findMigratedDatabase();
  await set(setting, value);
  await expectToWork(found.env);
});

/** Shorter than what is then made to take a second. */
async function setTimeLimits(): Promise<void> {
  for (const name of ['statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout']) {
    await set(name, "'500ms'");
  }
}

test('limits of time that the role has hold neither for statements nor for a batch of the relay', async () => {
  found = await findMigratedDatabase();
  await setTimeLimits();
  const writes = createPool(found.config, { size: 1, statementTimeoutMs: 10_000, onPoolError: () => undefined });
  await writes.query('SELECT pg_sleep(1)').finally(() => writes.end());

  const publisher = recordingPublisher(() => delay(1_000));
  const service = await startTestApp(found.env, publisher);
  const product = await insertProduct(found.admin);
  await insertReview(found.admin, product, 4);
  await eventually('the relay has published it', () => publisher.messages.length > 0);
  await eventually('and deleted it', async () => (await outboxEvents(found.admin, product)).length === 0);
  await service.stop();
  expect(publisher.attempts()).toBe(1);
});

test('a change waits for the disk, also where its writer would not', async () => {
  found = await findMigratedDatabase();
  const client = await found.admin.connect();
  const synchronousCommit = async (): Promise<unknown> => {
    const { rows } = await client.query<{ value: string }>(`SELECT current_setting('synchronous_commit') AS value`);
    return rows[0]!.value;
  };
  const changes: Array<[string, string]> = [];
  try {
    await client.query('SET synchronous_commit = off');
    let product = '';
    const steps: Array<[string, () => Promise<unknown>]> = [
      ['product', async () => (product = await insertProduct(client))],
      ['review', () => insertReview(client, product, 4)],
      ['edit', () => client.query('UPDATE reviews SET rating = 5')],
      ['deletion', () => client.query('DELETE FROM reviews')],
      ['product deletion', () => client.query('DELETE FROM products')],
    ];
    for (const [what, change] of steps) {
      await client.query('BEGIN');
      await change();
      changes.push([what, String(await synchronousCommit())]);
      await client.query('COMMIT');
      expect(await synchronousCommit()).toBe('off');
    }
    expect(changes).toEqual(steps.map(([what]) => [what, 'on']));
  } finally {
    client.release(true);
  }
});

test('the role runs no triggers: refused with the statement that changes it, exit code 1', async () => {
  found = await findMigratedDatabase();
  await set('session_replication_role', 'replica');
  await expect(migrate(found)).rejects.toThrow(/migrate: session_replication_role is replica: no trigger runs/);
  app = await launchApp(found.env);
  const { code } = await app.process.exited;
  expect(code).toBe(1);
  expect(app.log()).toContain(
    `ALTER ROLE ${found.role} IN DATABASE ${found.name} SET session_replication_role = origin`,
  );
});

test.each([
  ['SQL_ASCII', "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"],
  ['LATIN1', "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"],
])('a database in %s is refused, by migrate and at start', async (encoding, options) => {
  found = await findEmptyDatabase(options);
  const reason = new RegExp(`has the encoding ${encoding}, which cannot hold every text.*ENCODING 'UTF8'`);
  await expect(migrate(found)).rejects.toThrow(reason);
  app = await launchApp(found.env);
  expect((await app.process.exited).code).toBe(1);
  expect(app.log()).toMatch(reason);
});

test('a read-only role is waited for, and the log says why', async () => {
  found = await findMigratedDatabase();
  await set('default_transaction_read_only', 'on');
  await expect(migrate(found, { MIGRATE_WAIT_SECONDS: '1' })).rejects.toThrow(/default_transaction_read_only is on/);
  app = await launchApp(found.env);
  const { statusOf, log } = app;
  await eventually('it says why it waits', () => log().includes('default_transaction_read_only is on'));
  expect(await statusOf('/ready')).toBe(503);
  await set('default_transaction_read_only', 'off');
  await eventually('it serves', async () => (await statusOf('/ready')) === 200, 25_000);
});

describe('the schema', () => {
  test('one of its own, first in the path, beside tables of the same names in public', async () => {
    found = await findEmptyDatabase();
    const { admin, role } = found;
    await admin.query(`
      CREATE TABLE public.products (id integer); CREATE TABLE public.reviews (id integer);
      CREATE TABLE public.schema_migrations (version text); CREATE TABLE public.outbox (id integer);
      CREATE SCHEMA "Our ratings" AUTHORIZATION ${role}; REVOKE ALL ON SCHEMA public FROM PUBLIC`);
    await set('search_path', '"Our ratings", public');
    await migrate(found);
    await migrate(found);
    await expectToWork(found.env);
    expect((await admin.query('SELECT FROM "Our ratings".products')).rowCount).toBe(4);
    expect((await admin.query('SELECT FROM public.products')).rowCount).toBe(0);
  });

  test('that of the role’s name, which comes before public', async () => {
    found = await findEmptyDatabase();
    await found.admin.query(`CREATE SCHEMA ${found.role} AUTHORIZATION ${found.role}`);
    await migrate(found);
    await expectToWork(found.env);
    expect((await found.admin.query(`SELECT FROM ${found.role}.products`)).rowCount).toBe(4);
  });

  test('one without the right to create, none at all, or another program’s: migrate says what to do', async () => {
    found = await findEmptyDatabase();
    const { admin, role, name } = found;
    await admin.query(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);
    await expect(migrate(found)).rejects.toThrow(
      `the role ${role} may not create tables in the schema public: GRANT CREATE ON SCHEMA public TO ${role}`,
    );
    await set('search_path', "''");
    await expect(migrate(found)).rejects.toThrow(`the role ${role} has no schema to create tables in`);
    await set('search_path', 'public');
    await admin.query(`GRANT CREATE ON SCHEMA public TO ${role}; CREATE TABLE schema_migrations (version text)`);
    await expect(migrate(found)).rejects.toThrow(
      /the schema public has tables of another program \(schema_migrations\): give this one a schema of its own/,
    );
  });
});

test('an ICU collation, and time limits that a migration exceeds, change nothing', async () => {
  found = await findEmptyDatabase("ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'");
  await setTimeLimits();
  await withMigrationLock(
    found.config,
    10_000,
    () => undefined,
    () => found.admin.query('SELECT pg_sleep(1)'),
  );
  await migrate(found);
  await expectToWork(found.env);
});

describe('what the role may do, and what does not run', () => {
  let dataSource: DataSource;
  beforeEach(async () => {
    found = await findMigratedDatabase();
    const options = { entities: [], poolSize: 1, statementTimeoutMs: 5_000, onPoolError: () => undefined };
    dataSource = await createDataSource(found.config, options).initialize();
  });
  afterEach(() => dataSource.destroy());

  test('the rights that docs/postgresql.md grants are enough to write, read and moderate', async () => {
    const service = await startTestApp(found.env);
    try {
      const product = await insertProduct(found.admin);
      const created = await query(
        service.origin,
        'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id } } }',
        { id: product },
        { token: await newUserToken() },
      );
      const { id } = dataOf(created).createReview.review as { id: string };
      const decided = await query(
        service.origin,
        `mutation ($id: ID!) { moderateReview(input: { id: $id, status: REJECTED, reason: "No." }) {
           review { decisions { reason } } product { reviewCount } } }`,
        { id },
        { token: await adminToken() },
      );
      expect(dataOf(decided).moderateReview).toEqual({
        review: { decisions: [{ reason: 'No.' }] },
        product: { reviewCount: 0 },
      });
    } finally {
      await service.stop();
    }
  });

  test('rights that lack are named with their GRANT, which gives them', async () => {
    const { admin, role } = found;
    expect(await findSchemaProblems(dataSource)).toEqual([]);
    await admin.query(`REVOKE INSERT, DELETE ON outbox FROM ${role}; REVOKE SELECT ON rating_aggregates FROM ${role}`);
    const problems = await findSchemaProblems(dataSource);
    expect(problems).toEqual([
      expect.stringMatching(/has no right to INSERT, DELETE on public.outbox: GRANT SELECT, INSERT, DELETE/),
      expect.stringMatching(/has no right to SELECT on public.rating_aggregates/),
    ]);
    for (const problem of problems) await admin.query(problem.replace(/.*: GRANT/, 'GRANT'));
    expect(await findSchemaProblems(dataSource)).toEqual([]);
  });

  test('triggers that somebody has switched off are named with their table', async () => {
    const { admin } = found;
    await admin.query('ALTER TABLE reviews DISABLE TRIGGER reviews_capture_update');
    expect(await findSchemaProblems(dataSource)).toEqual([
      expect.stringMatching(/^triggers of reviews are switched off.*ALTER TABLE reviews ENABLE TRIGGER ALL/),
    ]);
    await admin.query('ALTER TABLE reviews ENABLE TRIGGER ALL');
    expect(await findSchemaProblems(dataSource)).toEqual([]);
  });

  test('tables of the same name that come first in the path are named', async () => {
    const { admin, role } = found;
    await admin.query(`CREATE SCHEMA ${role} AUTHORIZATION ${role}; CREATE TABLE ${role}.outbox AS TABLE outbox;
      ALTER TABLE ${role}.outbox OWNER TO ${role}`);
    expect(await findSchemaProblems(dataSource)).toEqual([
      `outbox is found in the schema ${role}, and the others in public: put public first in the search_path of ${role}`,
    ]);
  });
});

test('writers of a role at another isolation still make one sequence', async () => {
  found = await findMigratedDatabase();
  const product = await insertProduct(found.admin);
  await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const client = await found.admin.connect();
      try {
        for (let written = 0; written < 10;) {
          await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
          try {
            await insertReview(client, product, 1 + (i % 5));
            await client.query('COMMIT');
            written += 1;
          } catch (error) {
            expect((error as { code: string }).code).toBe('40001');
            await client.query('ROLLBACK');
          }
        }
      } finally {
        client.release();
      }
    }),
  );
  const events = await outboxEvents(found.admin, product);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  expect(await snapshot(found.admin, product)).toEqual({ seq: 50, stars: [10, 10, 10, 10, 10] });
}, 60_000);
