import type { RatingsClient } from '@exact-ratings/client';
import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { formatDeviations, waitForSteadyState } from '../checks/steady-state.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';
import { Random } from '../workload/random.js';

/** 2 APIs with moderation, and a worker. */
let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({
    name: 'e2e-moderation',
    apis: 2,
    variables: { REVIEW_MODERATION: 'on' },
  });
}, 180_000);

afterAll(async () => {
  await bed?.close();
}, 90_000);

/** Few reviews and many who decide: decisions about the same review meet. */
const ADMINS = 10;
const AUTHORS = 2;
const DECISIONS_AN_ADMIN = 60;
const EDITS_AN_AUTHOR = 40;

/** What was acknowledged. */
const acknowledged = { creations: 0, edits: 0, decisions: 0, refusals: 0 };

/** An author who has a review of each product and edits them. @returns the ids of the reviews */
async function writeReviews(author: RatingsClient, productIds: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const productId of productIds) {
    const { createReview } = await author.CreateReview({ input: { productId, rating: 3 } });
    expect(createReview).toMatchObject({ userErrors: [], review: { status: 'PENDING' } });
    acknowledged.creations += 1;
    ids.push(createReview.review!.id);
  }
  return ids;
}

async function editReviews(author: RatingsClient, ids: readonly string[], random: Random): Promise<void> {
  for (let n = 1; n <= EDITS_AN_AUTHOR; n += 1) {
    const { updateReview } = await author.UpdateReview({
      input: { id: random.pick(ids), rating: random.integer(1, 5), body: `Edit ${n}` },
    });
    expect(updateReview).toMatchObject({ userErrors: [], review: { status: 'PENDING' } });
    acknowledged.edits += 1;
  }
}

/** An admin who decides about whatever there is, the other admins' decisions included. */
async function decide(admin: RatingsClient, ids: readonly string[], random: Random): Promise<void> {
  for (let n = 1; n <= DECISIONS_AN_ADMIN; n += 1) {
    const status = random.next() < 0.5 ? 'PUBLISHED' : 'REJECTED';
    const { moderateReview } = await admin.ModerateReview({
      input: { id: random.pick(ids), status, ...(status === 'REJECTED' ? { reason: `No ${n}` } : {}) },
    });
    if (moderateReview.userErrors.length === 0) {
      expect(moderateReview.review).toMatchObject({ status });
      acknowledged.decisions += 1;
    } else {
      expect(moderateReview).toMatchObject({ userErrors: [{ code: 'INVALID_TRANSITION' }], review: { status } });
      acknowledged.refusals += 1;
    }
  }
}

test('many admins decide about the same reviews while their authors edit them: nothing is lost, and exact', async () => {
  const productIds = await createProducts(bed, 2, 'Disputed');
  const authors = await Promise.all(
    Array.from({ length: AUTHORS }, (_, i) => bed.client({ subject: `author-${i}` }, i % 2)),
  );
  const admins = await Promise.all(
    Array.from({ length: ADMINS }, (_, i) => bed.client({ subject: `admin-${i}`, admin: true }, i % 2)),
  );
  const own = await Promise.all(authors.map((author) => writeReviews(author, productIds)));
  await Promise.all([
    ...authors.map((author, i) => editReviews(author, own[i]!, new Random(i))),
    ...admins.map((admin, i) => decide(admin, own.flat(), new Random(100 + i))),
  ]);
  expect(acknowledged.decisions).toBeGreaterThan(20);
  expect(acknowledged.refusals).toBeGreaterThan(20);

  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  const { exitCode, output } = await runRatingsAudit(bed.env, ['--wait', '30']);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0, output: expect.stringContaining('0 different') as string });

  // Each acknowledged change has one sequence number, and each decision one record.
  const { rows } = await bed.pool.query<{ changes: number; decisions: number; edits: number }>(
    `SELECT (SELECT sum(last_seq)::integer FROM review_streams) AS changes,
            (SELECT count(*)::integer FROM review_decisions) AS decisions,
            (SELECT sum(version - 1)::integer FROM reviews) AS edits`,
  );
  const { creations, edits, decisions } = acknowledged;
  expect(rows[0]).toEqual({ changes: creations + edits + decisions, decisions, edits });

  // A decision follows the one before it, or an edit, after which the review waited; the last of either is its status now.
  const { rows: broken } = await bed.pool.query(
    `SELECT * FROM (
       SELECT r.id, r.status, d.to_status, d.from_status,
              lag(d.to_status, 1, 'PENDING') OVER (PARTITION BY r.id ORDER BY d.id) AS before,
              lead(d.id) OVER (PARTITION BY r.id ORDER BY d.id) IS NULL AS is_last
         FROM reviews r JOIN review_decisions d ON d.review_id = r.id) chain
      WHERE from_status NOT IN (before, 'PENDING') OR is_last AND status NOT IN (to_status, 'PENDING')`,
  );
  expect(broken).toEqual([]);

  // Readers see what is published, and nothing else.
  const reader = await bed.client({ subject: 'reader' });
  for (const id of productIds) {
    const { rows: published } = await bed.pool.query<{ id: string }>(
      `SELECT id FROM reviews WHERE product_id = $1 AND status = 'PUBLISHED'`,
      [id],
    );
    const { product } = await reader.ProductReviews({ id, first: 100 });
    expect(product!.reviews.nodes.map((review) => review.id).sort()).toEqual(published.map((row) => row.id).sort());
    expect((await reader.Product({ id })).product!.reviewCount).toBe(published.length);
  }
}, 240_000);

test('the queue is what waits, oldest first', async () => {
  const admin = await bed.client({ subject: 'admin-0', admin: true });
  const { reviews } = await admin.ModerationQueue({ first: 100 });
  const { rows } = await bed.pool.query<{ id: string }>(
    `SELECT id FROM reviews WHERE status = 'PENDING' ORDER BY created_at, id`,
  );
  expect(reviews.totalCount).toBe(rows.length);
  expect(reviews.nodes.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
});
