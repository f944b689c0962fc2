import { createServer } from 'node:http';
import { Queue, Worker } from 'bullmq';
import { connectRedis, createKafka, PORT, TOPIC } from './connections.js';
import type { ReviewCreated } from './resolvers.js';

/**
 * The common way to build the worker: one BullMQ job an event, which reads the average and the count, computes, and writes both.
 * One job at a time: with more, two jobs of one product read the same values and one of them is lost (at 20 at once, most).
 *
 *     GET /metrics    the number of jobs done
 */
const redis = connectRedis();
const queue = new Queue<ReviewCreated>('common-way-ratings', {
  connection: connectRedis(),
  defaultJobOptions: { removeOnComplete: true, removeOnFail: 1_000 },
});
let done = 0;

const worker = new Worker<ReviewCreated>(
  queue.name,
  async ({ data: { productId, rating } }) => {
    const keys = [`product:${productId}:rating`, `product:${productId}:reviewCount`] as const;
    const [average, count] = (await redis.mget(...keys)).map(Number) as [number, number];
    await redis.mset(keys[0], String((average * count + rating) / (count + 1)), keys[1], String(count + 1));
    done += 1;
  },
  { connection: connectRedis(), concurrency: 1 },
);
worker.on('error', (error) => console.error(error));

const consumer = createKafka('common-way-worker').consumer({ groupId: `${TOPIC}-worker` });
await consumer.connect();
await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    const event = JSON.parse(message.value?.toString() ?? '') as ReviewCreated;
    await queue.add('review-created', event);
  },
});

createServer((request, response) => {
  response.end(request.url === '/metrics' ? String(done) : 'ready');
}).listen(PORT, '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
