import { randomUUID } from 'node:crypto';
import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { createMetrics } from '../metrics.js';
import { ProductRatings } from '../persistence/product-ratings.js';
import { AggregateReader } from '../ratings/aggregate-reader.js';
import { SetAsideProducts } from '../ratings/set-aside-products.js';
import { openTestServers, type TestServers } from '../testing/test-servers.js';
import { auditRatings, type AuditFinding } from './rating-audit.js';

const PRIOR = { mean: 3.5, weight: 10 };

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

async function exactProducts(count: number): Promise<string[]> {
  const ids = await insertProducts(servers.pool, count);
  await insertReviews(servers.pool, ids, 3);
  await store.replace(await readRatingAggregates(servers.pool, ids));
  return ids;
}

async function audit(waitMs = 0, productsPerPage = 1_000, onProgress = (): void => undefined) {
  const findings: AuditFinding[] = [];
  const setAside = new SetAsideProducts(8_000, createMetrics().setAside, createLogger('test', 'silent'));
  const reader = new AggregateReader(servers.pool, setAside);
  const report = await auditRatings(
    { store, database: servers.pool, reader, ratings: new ProductRatings(servers.pool, PRIOR, setAside) },
    {
      waitMs,
      productsPerPage,
      onProgress,
      onFinding: (finding) => findings.push(finding),
    },
  );
  return { report, findings };
}

test('compares every product, page by page', async () => {
  await exactProducts(25);
  expect((await audit(0, 10)).report).toEqual({
    compared: 25,
    equal: 25,
    missing: 0,
    behind: 0,
    different: 0,
    withoutStream: 0,
    persistedWrongly: 0,
    uncounted: 0,
  });
});

test('tells missing, behind and different apart, and finds the keys of a product that is gone', async () => {
  const { redis, pool } = servers;
  const [missing, behind, corrupt, ahead] = (await exactProducts(5)) as [string, string, string, string];
  await redis.del(...Object.values(ratingKeys(missing)));
  await insertReviews(pool, [behind], 2);
  await redis.set(ratingKeys(corrupt).reviewCount, 'abc');
  const [snapshot] = await readRatingAggregates(pool, [ahead]);
  await store.replace([{ ...snapshot!, seq: snapshot!.seq + 1 }]);
  const gone = randomUUID();
  await store.replace([{ productId: gone, seq: 3, stars: [0, 0, 0, 0, 3], eventTag: NO_EVENT_TAG }]);

  const { report, findings } = await audit();
  expect(report).toEqual({
    compared: 5,
    equal: 1,
    missing: 1,
    behind: 1,
    different: 3,
    withoutStream: 0,
    persistedWrongly: 0,
    uncounted: 0,
  });
  expect(
    new Map(findings.map(({ productId, kind, detail }) => [productId, `${kind} ${detail.split(':')[0]}`])),
  ).toEqual(
    new Map([
      [behind, 'BEHIND Redis seq 3, 1 to 5 stars'],
      [corrupt, 'DIFFERENT the keys do not agree with each other'],
      [ahead, 'DIFFERENT Redis is ahead of PostgreSQL'],
      [gone, 'DIFFERENT keys of a product that is gone'],
    ]),
  );
});

test('persisted ratings that no pass puts right are findings; those that wait for a pass are none', async () => {
  const { pool } = servers;
  const [wrong, forgotten, dirty, moved] = (await exactProducts(5)) as [string, string, string, string];
  await pool.query('SELECT persist_product_ratings(array_agg(id), 3.5, 10, true) FROM products');
  expect((await audit()).report).toMatchObject({ equal: 5, persistedWrongly: 0 });
  await insertReviews(pool, [forgotten, dirty, moved], 1);
  await store.replace(await readRatingAggregates(pool, [forgotten, dirty, moved]));
  await pool.query('UPDATE product_ratings SET stars_3 = 8 WHERE product_id = $1', [wrong]);
  await pool.query('UPDATE review_streams SET dirty = false WHERE product_id = $1', [forgotten]);
  const { report, findings } = await audit();
  expect(report).toMatchObject({ equal: 5, different: 0, persistedWrongly: 2 });
  expect(findings.map(({ productId }) => productId).sort()).toEqual([wrong, forgotten].sort());
});

test('waits for what is behind', async () => {
  const ids = await exactProducts(3);
  await insertReviews(servers.pool, ids, 1);
  const { report } = await audit(20_000, 1_000, () => {
    // Only after the first comparison: that one finds all of them behind.
    void readRatingAggregates(servers.pool, ids).then((snapshots) => store.replace(snapshots));
  });
  expect(report).toMatchObject({ equal: 3, behind: 0 });
});

test('ends as a command with 0, 1, 2 or 3, and says why', async () => {
  const { env, redis, pool } = servers;
  const [first, second] = (await exactProducts(2)) as [string, string];
  const exact = await runRatingsAudit(env, []);
  expect(exact).toEqual({
    exitCode: 0,
    output: '2 products compared: 2 equal, 0 missing, 0 behind, 0 different\n',
  });

  await insertReviews(pool, [first], 1);
  const behind = await runRatingsAudit(env, ['--wait', '1']);
  expect(behind.exitCode).toBe(2);
  expect(behind.output).toContain(`behind: ${first}: Redis seq 3`);

  await redis.set(ratingKeys(second).rating, '5.1');
  const different = await runRatingsAudit(env, []);
  expect(different.exitCode).toBe(1);
  expect(different.output).toContain(`different: ${second}: the keys do not agree with each other`);

  expect((await runRatingsAudit(env, ['--wait', 'soon'])).exitCode).toBe(3);
  const unreachable = await runRatingsAudit({ ...env, DATABASE_PORT: '1' }, []);
  expect(unreachable.exitCode).toBe(3);
  expect(unreachable.output).toContain('are they up, and is it migrated?');
});
