import { ApiError, createRatingsClient, TransportError } from '@exact-ratings/client';
import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { formatDeviations, waitForSteadyState } from '../checks/steady-state.js';
import { checkHistories } from '../checks/history-check.js';
import { Load } from '../workload/load.js';
import { isAlive } from './process-alive.js';
import { createProducts, ROOT, startTestbed, type Testbed } from '../testbed.js';
import { sumOverWorkers } from '../checks/worker-metrics.js';

/** 4 APIs and 2 workers, and nothing is killed. */
let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ name: 'e2e-pipeline', apis: 4, workers: 2 });
}, 180_000);

afterAll(async () => {
  await bed?.close();
}, 90_000);

const publicKeys = (id: string): [string, string] => [`product:${id}:rating`, `product:${id}:reviewCount`];

/** Milliseconds until both public keys hold these values. */
async function untilKeysHold(id: string, rating: string | null, count: string | null, timeoutMs = 20_000) {
  const began = performance.now();
  let values: Array<string | null> = [];
  const held = await waitUntil(
    async () => {
      values = await bed.redis.mget(publicKeys(id));
      return values[0] === rating && values[1] === count;
    },
    { timeoutMs, intervalMs: 2 },
  );
  if (held !== true) throw new Error(`${id} holds ${JSON.stringify(values)} instead of ${rating} of ${count}`);
  return performance.now() - began;
}

async function aggregateInDatabase(id: string): Promise<{ average: number; count: number }> {
  const { rows } = await bed.pool.query<{ average: number; count: number }>(
    `SELECT coalesce(sum(rating)::float8 / nullif(count(*), 0), 0) AS average, count(*)::integer AS count
       FROM reviews WHERE product_id = $1 AND status = 'PUBLISHED'`,
    [id],
  );
  return rows[0]!;
}

describe('a review and its rating', () => {
  test('is visible under the two public keys within a second, and equals PostgreSQL', async () => {
    const [id] = await createProducts(bed, 1, 'Kettle');
    const times: number[] = [];
    for (const [i, rating] of [5, 4, 4, 1, 3].entries()) {
      const author = await bed.client({ subject: `fresh-${i}` }, i % 4);
      const { createReview } = await author.CreateReview({ input: { productId: id!, rating } });
      expect(createReview.userErrors).toEqual([]);
      const { averageRating, reviewCount } = createReview.product!;
      times.push(await untilKeysHold(id!, String(averageRating), String(reviewCount)));
      const database = await aggregateInDatabase(id!);
      expect({ average: averageRating, count: reviewCount }).toEqual(database);
    }
    // The first may be slow on a busy machine; the median counts.
    expect(times.sort((a, b) => a - b)[2]).toBeLessThan(1_000);
  }, 60_000);

  test('follows every creation, edit and deletion exactly', async () => {
    const [id] = await createProducts(bed, 1, 'Lamp');
    const alice = await bed.client({ subject: 'alice' }, 0);
    const bob = await bed.client({ subject: 'bob' }, 1);
    const first = (await alice.CreateReview({ input: { productId: id!, rating: 5 } })).createReview.review!;
    await untilKeysHold(id!, '5', '1');
    const second = (await bob.CreateReview({ input: { productId: id!, rating: 2 } })).createReview.review!;
    await untilKeysHold(id!, '3.5', '2');
    await alice.UpdateReview({ input: { id: first.id, rating: 4 } });
    await untilKeysHold(id!, '3', '2');
    await alice.UpdateReview({ input: { id: first.id, body: 'Only the text changes.' } });
    await bob.DeleteReview({ input: { id: second.id } });
    await untilKeysHold(id!, '4', '1');
    await alice.DeleteReview({ input: { id: first.id } });
    await untilKeysHold(id!, '0', '0');
    const { product } = await alice.Product({ id: id! });
    expect(product).toMatchObject({ averageRating: null, reviewCount: 0 });
    expect(await bed.redis.get(`product:${id}:ratingState`)).toMatch(/^6 0 0 0 0 0 [0-9a-f]{8}$/);
  }, 60_000);

  test('is never older than its writer’s change when they read again at once, by whatever query', async () => {
    const [id] = await createProducts(bed, 1, 'Mug');
    for (let count = 1; count <= 30; count += 1) {
      const author = await bed.client({ subject: `rereader-${count}` }, 0);
      const { createReview } = await author.CreateReview({ input: { productId: id!, rating: 5 } });
      expect(createReview.product).toMatchObject({ averageRating: 5, reviewCount: count });
      const answers = await Promise.all([
        author.Product({ id: id! }).then(({ product }) => product),
        author.Products({ first: 100 }).then(({ products }) => products.nodes.find((product) => product.id === id)),
        author.ProductsByIds({ ids: [id!] }).then(({ nodes }) => nodes[0]),
        author.ViewerReviews().then(({ viewer }) => viewer?.reviews.nodes[0]?.product),
        author.Review({ id: createReview.review!.id }).then(({ review }) => review?.product),
      ]);
      for (const answer of answers) expect(answer).toMatchObject({ averageRating: 5, reviewCount: count });
    }
  }, 60_000);

  test('follows what is changed by hand in psql', async () => {
    const [id] = await createProducts(bed, 1, 'Chair');
    await bed.pool.query('INSERT INTO reviews (product_id, rating) SELECT $1, n FROM generate_series(1, 5) n', [id]);
    await untilKeysHold(id!, '3', '5');
    await bed.pool.query(`UPDATE reviews SET status = 'REJECTED' WHERE product_id = $1 AND rating = 1`, [id]);
    await untilKeysHold(id!, '3.5', '4');
    await bed.pool.query('UPDATE reviews SET rating = 5 WHERE product_id = $1 AND rating >= 3', [id]);
    await untilKeysHold(id!, '4.25', '4');
    await bed.pool.query('DELETE FROM reviews WHERE product_id = $1 AND rating = 2', [id]);
    await untilKeysHold(id!, '5', '3');
  }, 60_000);

  test('goes with its product: no public key stays, the tombstone expires', async () => {
    const [id] = await createProducts(bed, 1, 'Table');
    const author = await bed.client({ subject: 'carol' });
    await author.CreateReview({ input: { productId: id!, rating: 4 } });
    await untilKeysHold(id!, '4', '1');
    const admin = await bed.client(ROOT, 2);
    const { deleteProduct } = await admin.DeleteProduct({ input: { id: id! } });
    expect(deleteProduct).toEqual({ deletedProductId: id, userErrors: [] });
    await untilKeysHold(id!, null, null);
    expect(await bed.redis.get(`product:${id}:ratingState`)).toMatch(/^2 deleted [0-9a-f]{8}$/);
    const seconds = await bed.redis.ttl(`product:${id}:ratingState`);
    expect(seconds).toBeGreaterThan(3_600);
    expect(seconds).toBeLessThanOrEqual(86_400);
    expect((await admin.Product({ id: id! })).product).toBeNull();
  }, 60_000);
});

test('4 APIs and 2 workers on one hot product: no gap, and exact', async () => {
  const [hot, ...others] = await createProducts(bed, 4, 'Hot');
  const loads = [
    new Load(bed, { name: 'hot', productIds: [hot!], authors: 12, pauseMs: 2, seed: 1 }).start(),
    new Load(bed, { name: 'beside', productIds: others, authors: 4, pauseMs: 5, seed: 2 }).start(),
  ];
  await loads[0]!.untilAnswered(1_200, 120_000);
  for (const load of loads) {
    const history = await load.stop();
    expect(history.unknownOutcomes).toBe(0);
  }
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  const histories = loads.map(({ history }) => history);
  expect(await checkHistories(bed, histories)).toEqual([]);
  expect(await sumOverWorkers(bed, 'rating_gaps_total')).toBe(0);
  expect(await sumOverWorkers(bed, 'rating_dead_letters_total')).toBe(0);
}, 240_000);

test('a review edited by 8 requests at once keeps its chain of ratings', async () => {
  const [id] = await createProducts(bed, 1, 'Contested');
  const clients = await Promise.all(Array.from({ length: 8 }, (_, i) => bed.client({ subject: 'dora' }, i % 4)));
  const review = (await clients[0]!.CreateReview({ input: { productId: id!, rating: 3 } })).createReview.review!;
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      clients.map((client, i) => client.UpdateReview({ input: { id: review.id, rating: 1 + ((round + i) % 5) } })),
    );
  }
  const { average, count } = await aggregateInDatabase(id!);
  await untilKeysHold(id!, String(average), String(count));
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  expect(await sumOverWorkers(bed, 'rating_gaps_total')).toBe(0);
}, 60_000);

describe('errors of the SDK are typed', () => {
  test('what the API refuses', async () => {
    const anonymous = await bed.clientAt(bed.system.graphqlUrl, { subject: 'eve' });
    await expect(anonymous.Product({ id: 'no-uuid' })).rejects.toMatchObject({
      name: 'ApiError',
      code: 'BAD_USER_INPUT',
    });
    const forged = createRatingsClient({ url: bed.system.graphqlUrl, token: 'forged' });
    const refusal: unknown = await forged.Products({ first: 1 }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiError);
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
  });

  test('what a person can correct is no exception', async () => {
    const author = await bed.client({ subject: 'frank' });
    const { createReview } = await author.CreateReview({
      input: { productId: '00000000-0000-4000-8000-000000000000', rating: 6 },
    });
    expect(createReview.review).toBeNull();
    expect(createReview.userErrors.length).toBeGreaterThan(0);
  });

  test('an API that is not there', async () => {
    const nowhere = await bed.clientAt('http://127.0.0.1:1/graphql', { subject: 'eve' });
    const failure: unknown = await nowhere.Products({ first: 1 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransportError);
    expect(failure).toMatchObject({ retryable: true });
  });
});

test('the audit finds every product equal', async () => {
  const { exitCode, output } = await runRatingsAudit(bed.env, ['--wait', '30']);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0, output: expect.stringContaining('0 different') as string });
}, 60_000);

test('a graceful stop of everything: exit codes 0, and no process is left', async () => {
  const services = [...bed.system.apis, ...bed.system.workers];
  const pids = services.map(({ pid }) => pid!);
  expect(pids.every(isAlive)).toBe(true);
  const exits = await Promise.all(services.map((service) => service.stop()));
  expect(exits).toEqual(services.map(() => ({ code: 0, signal: null })));
  const { servers } = bed;
  const serverPids = [servers.postgres, servers.redis, servers.kafka].map(({ pid }) => pid!);
  await bed.close();
  expect([...pids, ...serverPids].filter(isAlive)).toEqual([]);
}, 120_000);
