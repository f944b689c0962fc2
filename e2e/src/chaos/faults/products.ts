import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from '../../testbed.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import type { Fault } from './fault.js';

const DELETED = 30;

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
];
