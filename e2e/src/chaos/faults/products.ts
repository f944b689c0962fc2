import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { createProducts, ROOT, type Testbed } from '../../testbed.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import type { Fault } from './fault.js';

const DELETED = 30;

/** Reviews of the product that is deleted; a statement of 15 s deletes a million of them on no machine that we tried. */
const MANY = 300_000;

/** Id of the product with many reviews. */
let bigProductId = '';

/** Other mutations may wait this long for it. */
const OTHERS_WAIT_MS = 5_000;

export const productFaults: readonly Fault[] = [
  {
    name: 'product-deleted',
    row: 18,
    title: `${DELETED} products are deleted while authors review them and their keys are lost and rebuilt`,
    repeatable: true,
    products: DELETED + 10,
    load: { authors: 12, pauseMs: 0 },
    inject: async ({ bed, productIds, load, random, violation }) => {
      const admin = await bed.client(ROOT, 1);
      for (const id of productIds.slice(0, DELETED)) {
        await bed.redis.del(`product:${random.pick(productIds)}:ratingState`);
        load.history.deletedProducts.add(id);
        const { deleteProduct } = await admin.DeleteProduct({ input: { id } });
        if (deleteProduct.deletedProductId !== id) violation(`${id} was not deleted: ${JSON.stringify(deleteProduct)}`);
        await delay(30);
      }
    },
    verify: async ({ bed, productIds, violation }) => {
      for (const id of productIds.slice(0, DELETED)) {
        const [rating, count] = await bed.redis.mget(`product:${id}:rating`, `product:${id}:reviewCount`);
        if (rating !== null || count !== null) violation(`${id} is deleted and has rating ${rating} of ${count}`);
        const ttl = await bed.redis.ttl(`product:${id}:ratingState`);
        if (ttl === -1 || ttl > 86_400) violation(`the tombstone of ${id} does not expire (TTL ${ttl})`);
      }
    },
  },
  {
    name: 'hot-product',
    row: 20,
    title: '4 APIs and 2 workers on one hot product, and no fault',
    shape: { apis: 4, workers: 2 },
    products: 1,
    load: { authors: 32, pauseMs: 0 },
    inject: async ({ load }) => load.untilAnswered(1_500, 180_000),
    verify: async ({ bed, violation, note }) => {
      const gaps = await sumOverWorkers(bed, 'rating_gaps_total');
      note(`rating_gaps_total ${gaps}`);
      if (gaps !== 0) violation(`${gaps} gaps without any fault`);
    },
  },
  {
    name: 'review-contested',
    row: 27,
    title: 'one review is edited by 8 requests at once, 40 times',
    repeatable: true,
    foreignChanges: true,
    inject: async ({ bed, productIds, name, violation }) => {
      const gaps = await sumOverWorkers(bed, 'rating_gaps_total');
      const clients = await Promise.all(
        Array.from({ length: 8 }, (_, i) => bed.client({ subject: `${name}-contested` }, i % 2)),
      );
      const { createReview } = await clients[0]!.CreateReview({ input: { productId: productIds[0]!, rating: 3 } });
      const { id } = createReview.review!;
      for (let round = 0; round < 40; round += 1) {
        await Promise.all(
          clients.map((client, i) => client.UpdateReview({ input: { id, rating: 1 + ((round + i) % 5) } })),
        );
      }
      const news = (await sumOverWorkers(bed, 'rating_gaps_total')) - gaps;
      if (news > 0) violation(`the chain of previous ratings was broken ${news} times`);
    },
  },
  {
    name: 'big-product-deleted',
    row: 40,
    title: `a product with ${MANY / 1_000},000 reviews is deleted while authors write elsewhere`,
    foreignChanges: true,
    prepare: async (bed) => {
      [bigProductId] = (await createProducts(bed, 1, 'Big')) as [string];
      await insertUncaptured(bed, bigProductId, MANY);
    },
    inject: async ({ bed, load, note, violation }) => {
      const id = bigProductId;
      const admin = await bed.client(ROOT, 0);
      const began = Date.now();
      const { deleteProduct } = await admin.DeleteProduct({ input: { id } });
      note(`deleted after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
      if (deleteProduct.deletedProductId !== id) violation(`it was not deleted: ${JSON.stringify(deleteProduct)}`);
      const waits = load.history.answered(began).map(({ ms }) => ms);
      const longest = Math.max(0, ...waits);
      note(`${waits.length} mutations answered meanwhile, the longest wait was ${longest} ms`);
      if (longest > OTHERS_WAIT_MS) violation(`other mutations waited for ${longest} ms`);
      const count = async (): Promise<number> => {
        const { rows } = await bed.pool.query<{ count: number }>(
          'SELECT count(*)::integer AS count FROM reviews WHERE product_id = $1',
          [id],
        );
        return rows[0]!.count;
      };
      const cleaned = await waitUntil(async () => (await count()) === 0, { timeoutMs: 120_000, intervalMs: 500 });
      if (cleaned !== true) violation(`${await count()} reviews of the deleted product are left after two minutes`);
      const isTombstone = await waitUntil(
        async () =>
          (await bed.store.inspectMany([id]))[0]!.kind === 'DELETED' &&
          (await bed.redis.get(`product:${id}:rating`)) === null,
        { timeoutMs: 60_000, intervalMs: 100 },
      );
      if (isTombstone !== true) violation('Redis holds no tombstone of the deleted product after 60 s');
      if ((await admin.Product({ id })).product != null) violation('the deleted product is still answered');
    },
  },
];

const PIECE = 50_000;

/** Inserts reviews without events, as if they had been captured long ago: the stream's sequence number counts them. */
async function insertUncaptured(bed: Testbed, productId: string, count: number): Promise<void> {
  const client = await bed.pool.connect();
  try {
    await client.query("BEGIN; SET LOCAL lock_timeout = '10s'; ALTER TABLE reviews DISABLE TRIGGER USER");
    await client.query('UPDATE review_streams SET last_seq = $2 WHERE product_id = $1', [productId, count]);
    // In pieces, each of which is inserted within the time limit of a statement, on a slow machine too.
    for (let inserted = 0; inserted < count; inserted += PIECE) {
      await client.query(
        'INSERT INTO reviews (product_id, rating) SELECT $1, 1 + n % 5 FROM generate_series(1, $2::integer) n',
        [productId, Math.min(PIECE, count - inserted)],
      );
    }
    await client.query('ALTER TABLE reviews ENABLE TRIGGER USER; COMMIT');
  } finally {
    client.release();
  }
}
