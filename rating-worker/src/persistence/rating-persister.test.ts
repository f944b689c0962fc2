import { weightedRating, starCounts } from '@exact-ratings/shared/rating/rating-state.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { changeReviews, insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import type pg from 'pg';
import { readRatingWorkerConfig } from '../config.js';
import { createDatabasePool } from '../connections.js';
import { createMetrics } from '../metrics.js';
import { GuardedDatabase } from '../ratings/guarded-database.js';
import { SetAsideProducts } from '../ratings/set-aside-products.js';
import { createDocumentedRole, type DocumentedRole } from '../testing/documented-role.js';
import { createUncountableProducts, type UncountableProducts } from '../testing/uncountable-products.js';
import { ProductRatings } from './product-ratings.js';
import { RatingPersister, untilNextPass } from './rating-persister.js';

const PRIOR = { mean: 3, weight: 4 };

let database: TestDatabase;
let role: DocumentedRole;
let uncountable: UncountableProducts;
const running: Worker[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  uncountable = await createUncountableProducts(database.pool);
  role = await createDocumentedRole(database.pool);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
  await uncountable.clear();
  await database.pool.query('DELETE FROM products');
});
afterAll(async () => {
  await role.drop();
  await database.drop();
});

/** The persister of a worker with connections of its own, in the role that the documentation describes. */
interface Worker {
  readonly pool: pg.Pool;
  readonly log: string[];
  persisted(): Promise<number>;
  stop(): Promise<void>;
}

function startWorker({ prior = PRIOR, statementTimeoutMs = 8_000 } = {}): Worker {
  const config = readRatingWorkerConfig({ ...database.env, ...role.env });
  const log: string[] = [];
  const logger = createLogger('test', 'debug', { write: (line) => log.push(line) });
  const pool = createDatabasePool(config.database, { size: 2, statementTimeoutMs }, logger);
  const metrics = createMetrics();
  const setAside = new SetAsideProducts(statementTimeoutMs, metrics.setAside, logger);
  const persister = new RatingPersister({
    ratings: new ProductRatings(new GuardedDatabase(pool, logger), prior, setAside),
    config: { intervalMs: 50 },
    metrics,
    logger,
  });
  persister.start();
  let stopped: Promise<void> | undefined;
  const worker: Worker = {
    pool,
    log,
    persisted: async () => (await metrics.persisted.get()).values[0]!.value,
    stop: () => (stopped ??= persister.stop().then(() => pool.end())),
  };
  running.push(worker);
  return worker;
}

const countDirty = async (): Promise<number> =>
  (await database.pool.query<{ n: number }>('SELECT count(*)::integer AS n FROM review_streams WHERE dirty')).rows[0]!
    .n;

/** The products whose persisted rating is not what their reviews say, straight from the tables. */
async function differences(prior = PRIOR): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string; should: number[]; is: number[] | null; weighted: number }>(
    `SELECT p.id, ARRAY[r.stars_1, r.stars_2, r.stars_3, r.stars_4, r.stars_5] AS is, r.weighted,
            ARRAY(SELECT (SELECT count(*)::integer FROM reviews v
                           WHERE v.product_id = p.id AND v.rating = n AND v.status = 'PUBLISHED')
                    FROM generate_series(1, 5) n ORDER BY n) AS should
       FROM products p LEFT JOIN product_ratings r ON r.product_id = p.id`,
  );
  return rows
    .filter(
      ({ should, is, weighted }) =>
        is?.join() !== should.join() || weighted !== weightedRating({ stars: starCounts(should) }, prior),
    )
    .map(({ id }) => id);
}

async function expectPersisted(prior = PRIOR): Promise<void> {
  await eventually('nothing is dirty', async () => (await countDirty()) === 0, 60_000);
  expect(await differences(prior)).toEqual([]);
}

test('what changes is persisted, under the rights that docs/postgresql.md grants to the worker', async () => {
  startWorker();
  const ids = await insertProducts(database.pool, 30);
  await changeReviews(database.pool, ids);
  expect((await differences()).length).toBeGreaterThan(0);
  await expectPersisted();
});

test('what has not changed is not counted again', async () => {
  const ids = await insertProducts(database.pool, 300);
  await insertReviews(database.pool, ids);
  const worker = startWorker();
  await expectPersisted();
  expect(await worker.persisted()).toBe(300);
  await insertReviews(database.pool, ids.slice(0, 7));
  await expectPersisted();
  expect(await worker.persisted()).toBe(307);
});

test('killed in the middle of a batch, nothing of it counts, and the next process goes on where it was', async () => {
  const ids = (await insertProducts(database.pool, 1_000)).sort();
  await insertReviews(database.pool, ids, 2);
  // A row of the third batch is held, so that the first process is killed in it.
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM product_ratings WHERE product_id = $1 FOR UPDATE', [ids[500]]);
  const killed = startWorker();
  await eventually(
    'the third batch waits',
    async () =>
      (
        await database.pool.query(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'persist_product_ratings'`,
        )
      ).rowCount === 1,
  );
  await database.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'persist_product_ratings' AND pid <> pg_backend_pid()`,
  );
  await killed.stop();
  await holder.query('COMMIT');
  holder.release();
  expect(await countDirty()).toBe(600);

  const next = startWorker();
  await expectPersisted();
  expect(await next.persisted()).toBe(600);
});

test('a stop in a backlog ends after the batch, and leaves the rest dirty', async () => {
  const ids = await insertProducts(database.pool, 3_000);
  await insertReviews(database.pool, ids);
  const worker = startWorker();
  await eventually('it has begun', async () => (await worker.persisted()) > 0);
  await worker.stop();
  const done = await worker.persisted();
  expect(done % 200).toBe(0);
  expect(await countDirty()).toBe(3_000 - done);
});

test('two workers under load lose nothing, and count nothing twice', async () => {
  const ids = await insertProducts(database.pool, 400);
  const workers = [startWorker(), startWorker()];
  let errors = 0;
  const write = async (): Promise<void> => {
    for (let i = 0; i < 25; i += 1) {
      const some = [...ids].sort(() => Math.random() - 0.5).slice(0, 20);
      // Several writers meet; a deadlock between them takes back one of the statements.
      await changeReviews(database.pool, some).catch(() => (errors += 1));
      if (i % 8 === 0)
        await database.pool.query('DELETE FROM products WHERE id = $1', [some[0]]).catch(() => (errors += 1));
      if (i % 5 === 0) await database.pool.query('SELECT advance_review_sequence($1, 5000)', [some[1]]);
    }
  };
  await Promise.all([write(), write(), write()]);
  expect(errors).toBeLessThan(40);
  await expectPersisted();
  const before = await Promise.all(workers.map((worker) => worker.persisted()));
  const left = (await database.pool.query<{ id: string }>('SELECT id FROM products')).rows.map(({ id }) => id);
  await insertReviews(database.pool, left);
  await expectPersisted();
  const after = await Promise.all(workers.map((worker) => worker.persisted()));
  expect(after[0]! + after[1]! - before[0]! - before[1]!).toBe(left.length);
}, 120_000);

test('a product that cannot be counted keeps its row and holds up no other', async () => {
  const ids = await insertProducts(database.pool, 20);
  await insertReviews(database.pool, ids, 2);
  await uncountable.setUnreadable([ids[3]!]);
  startWorker();
  await eventually('the others are persisted', async () => (await countDirty()) === 1);
  expect(await differences()).toEqual([ids[3]]);
});

test('a changed prior is followed at the next start', async () => {
  const ids = await insertProducts(database.pool, 1_200);
  await insertReviews(database.pool, ids);
  const before = startWorker();
  await expectPersisted();
  await before.stop();
  const prior = { mean: 4.25, weight: 20 };
  expect((await differences(prior)).length).toBe(1_200);
  const worker = startWorker({ prior });
  await eventually('all are reweighed', () =>
    worker.log.some((line) => line.includes('weighted ratings have the prior')),
  );
  expect(await differences(prior)).toEqual([]);
  expect(await worker.persisted()).toBe(0);
});

test('a pass begins at midnight, UTC, at the latest', () => {
  const at = (time: string): number => Date.parse(`2026-03-01T${time}Z`);
  expect(untilNextPass(at('12:00:00.000'), 60_000)).toBe(60_000);
  expect(untilNextPass(at('23:59:59.000'), 60_000)).toBe(1_000);
  expect(untilNextPass(at('00:00:00.000'), 60_000)).toBe(60_000);
});
