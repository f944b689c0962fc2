import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { checkHistories } from '../checks/history-check.js';
import { formatDeviations, waitForSteadyState } from '../checks/steady-state.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';
import { Load } from '../workload/load.js';

/** 2 APIs and a worker. */
let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ name: 'e2e-erasure', apis: 2 });
}, 180_000);

afterAll(async () => {
  await bed?.close();
}, 90_000);

test('authors are erased under load while an API is killed: nothing is lost, and exact', async () => {
  const productIds = await createProducts(bed, 8, 'Erased');
  const load = new Load(bed, { name: 'erased', productIds, authors: 10, eraseShare: 0.2, seed: 7 }).start();
  await load.untilAnswered(200);
  await bed.system.apis[0]!.current!.kill();
  await load.untilAnswered(400);
  await bed.system.apis[0]!.waitUntilReady(90_000);
  const history = await load.stop();
  expect(history.anonymized.length).toBeGreaterThan(10);

  expect(formatDeviations(await waitForSteadyState(bed, 90_000))).toEqual([]);
  expect(await checkHistories(bed, [history])).toEqual([]);
  const { exitCode, output } = await runRatingsAudit(bed.env, ['--wait', '30']);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0, output: expect.stringContaining('0 different') as string });

  // Who was erased has left nothing, and who writes now has one author.
  const { rows } = await bed.pool.query(
    `SELECT count(*)::integer AS authors, count(DISTINCT subject)::integer AS subjects FROM authors WHERE subject LIKE 'erased-%'`,
  );
  const [{ authors, subjects }] = rows as [{ authors: number; subjects: number }];
  expect(authors).toBe(subjects);
  const { rows: counts } = await bed.pool.query(
    `SELECT r.id FROM reviews r FULL JOIN review_vote_counts c ON c.review_id = r.id WHERE r.id IS NULL OR c.review_id IS NULL`,
  );
  expect(counts).toEqual([]);
}, 300_000);
