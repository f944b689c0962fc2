import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProducts, insertReviews, outboxEvents, type Runs } from '@exact-ratings/stack/testing/rows.js';
import { expectExact } from '../testing/test-data.js';
import { openTestServers, type TestServers } from '../testing/test-servers.js';

let servers: TestServers;
let store: RatingStore;

beforeAll(async () => {
  servers = await openTestServers();
  store = new RatingStore(servers.redis, { ttlSeconds: 0 });
}, 180_000);
afterAll(() => servers?.stop());

beforeEach(async () => {
  await servers.redis.flushall();
  await servers.pool.query('DELETE FROM products');
});

async function run(command: string, ...args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const entry = fileURLToPath(new URL(`../../dist/commands/cli.js`, import.meta.url));
  const env = { PATH: process.env['PATH'], ...servers.env, RECONCILER_GRACE_MS: '0' };
  const child = spawn(process.execPath, [entry, command, ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exitCode, output };
}

const productsWithReviews = (count: number): Promise<string[]> => productsWithReviewsOf(servers.pool, count);

async function productsWithReviewsOf(database: Runs, count: number): Promise<string[]> {
  const ids = await insertProducts(database, count);
  await insertReviews(database, ids, 3);
  return ids;
}

test('rebuild writes all products, or those that are named', async () => {
  const { redis, pool } = servers;
  const ids = await productsWithReviews(250);
  const unknown = randomUUID();
  const some = await run('rebuild', ids[0]!, ids[1]!, unknown);
  expect(some).toEqual({ exitCode: 1, output: `unknown: ${unknown}\n2 products rebuilt\n` });
  expect(await redis.dbsize()).toBe(6);

  expect(await run('rebuild', '--all')).toEqual({ exitCode: 0, output: '250 products rebuilt\n' });
  await expectExact(pool, redis, ids);

  for (const args of [[], ['--all', ids[0]!], ['kettle'], ['--every']]) {
    expect((await run('rebuild', ...args)).exitCode).toBe(3);
  }
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s again and again, as npm makes of one Ctrl-C, lets a page be finished and says how far it came',
  async (signal) => {
    const { redis, env } = servers;
    await productsWithReviews(600);
    const entry = fileURLToPath(new URL('../../dist/commands/cli.js', import.meta.url));
    const child = spawn(process.execPath, [entry, 'rebuild', '--all'], {
      env: { PATH: process.env['PATH'], ...env, RECONCILER_REBUILDS_PER_SECOND: '100' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exit = once(child, 'close');
    await eventually('it writes', async () => (await redis.dbsize()) > 0);
    child.kill(signal);
    // Until it has gone: its last moments, after its work is done, are part of it.
    const again = setInterval(() => child.kill(signal), 1);
    child.once('exit', () => clearInterval(again));
    expect(await exit).toEqual([0, null]);
    expect(output).toMatch(/^\d+ products rebuilt, then stopped$/m);
  },
);

test('audit --repair repairs what differs', async () => {
  const { redis, pool } = servers;
  const ids = (await productsWithReviews(4)) as [string, string, string, string];
  await run('rebuild', '--all');
  await redis.set(ratingKeys(ids[0]).rating, '5.1');
  const [ahead] = await readRatingAggregates(pool, [ids[1]]);
  await store.replace([{ ...ahead!, seq: 40, stars: [0, 0, 0, 0, 9] }]);
  await redis.set(ratingKeys(ids[2]).state, '3 deleted 00000000');
  await store.replace([{ productId: randomUUID(), seq: 2, stars: [1, 1, 0, 0, 0], eventTag: NO_EVENT_TAG }]);

  expect((await run('audit')).exitCode).toBe(1);
  const repaired = await run('audit', '--repair');
  expect(repaired.output).toContain('4 found that differ, 3 repaired\n1 found that differ, 1 repaired');
  expect(repaired.exitCode).toBe(0);
  await expectExact(pool, redis, ids);
});

test('audit reports wrong persisted ratings, and --repair puts them right', async () => {
  const { pool } = servers;
  const ids = await productsWithReviews(3);
  await run('rebuild', '--all');
  await pool.query('SELECT persist_product_ratings(array_agg(id), 3.5, 10, true) FROM products');
  expect((await run('audit')).exitCode).toBe(0);
  await pool.query('UPDATE product_ratings SET stars_3 = 8 WHERE product_id = $1', [ids[1]]);
  const found = await run('audit');
  expect(found.output).toContain(`different: ${ids[1]!}: its persisted rating differs from PostgreSQL`);
  expect(found.output).toContain('0 different, 1 persisted wrongly (--repair puts it right)');
  expect(found.exitCode).toBe(1);
  const repaired = await run('audit', '--repair');
  expect(repaired.output).toContain('1 found that differ, 1 repaired');
  expect(repaired.exitCode).toBe(0);
});

test('audit counts products that were loaded with triggers off, and --repair makes their streams', async () => {
  const { redis, pool } = servers;
  const exact = await productsWithReviews(2);
  const client = await pool.connect();
  await client.query('SET session_replication_role = replica');
  const loaded = await productsWithReviewsOf(client, 3);
  client.release(true);
  await run('rebuild', '--all');
  await redis.del(...Object.values(ratingKeys(loaded[0]!)));

  const found = await run('audit');
  expect(found.exitCode).toBe(1);
  expect(found.output).toContain(`different: ${loaded[1]!}: no stream: it was loaded with triggers off`);
  expect(found.output).toContain(
    '5 products compared: 2 equal, 0 missing, 0 behind, 0 different, 3 without a stream (--repair makes it)',
  );

  const repaired = await run('audit', '--repair');
  expect(repaired.output).toContain('3 found that differ, 3 repaired');
  expect(repaired.output).toContain('5 products compared: 5 equal, 0 missing, 0 behind, 0 different\n');
  expect(repaired.exitCode).toBe(0);
  await expectExact(pool, redis, [...exact, ...loaded]);
  await insertReviews(pool, loaded, 1);
  const events = await outboxEvents(pool, loaded[0]);
  expect(events.map(({ seq }) => seq)).toEqual([1]);
});

test('after-restore lets no event of the discarded timeline win', async () => {
  const { redis, pool } = servers;
  const ids = (await productsWithReviews(3)) as [string, string, string];
  // Redis knows of a timeline that PostgreSQL has discarded, and a product that the backup does not have.
  await store.replace(
    (await readRatingAggregates(pool, ids)).map((snapshot) => ({ ...snapshot, seq: 9, stars: [0, 0, 0, 0, 9] })),
  );
  const gone = randomUUID();
  await store.replace([{ productId: gone, seq: 5, stars: [0, 0, 0, 0, 5], eventTag: NO_EVENT_TAG }]);

  expect((await run('after-restore')).exitCode).toBe(3);
  const done = await run('after-restore', '--yes');
  expect(done).toEqual({
    exitCode: 0,
    output: '3 products advanced and rebuilt, the keys of 1 removed\n',
  });
  await expectExact(pool, redis, [...ids, gone]);

  const [late] = await store.apply([
    { productId: ids[0], changes: [{ seq: 10, eventTag: NO_EVENT_TAG, previousRating: null, rating: 5 }] },
  ]);
  expect(late).toMatchObject({ status: 'OK', applied: 0, duplicates: 1 });
});
