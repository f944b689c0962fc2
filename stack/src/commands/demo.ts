import { setTimeout as delay } from 'node:timers/promises';
import { createRatingsClient, type RatingsClient } from '@exact-ratings/client';
import { Redis } from 'ioredis';
import { aborted, shutdownSignal } from './shutdown-signal.js';
import { runRatingsAudit } from '../processes/audit-process.js';
import { seconds } from '../progress.js';
import { startSystem, type System } from '../system.js';
import { waitUntil } from '../wait-until.js';

/** `npm run demo`: the story of one product, then a worker killed under load, and the proof that nothing is off. */
const print = (line = ''): void => console.log(line);

const LOAD_MS = 8_000;
const LOAD_PRODUCTS = 20;
const LOAD_AUTHORS = 16;
/** Nothing here takes this long; whatever hangs must not hang for ever. */
const DEMO_TIMEOUT_MS = 110_000;

const signal = AbortSignal.any([shutdownSignal(), AbortSignal.timeout(DEMO_TIMEOUT_MS)]);

async function clientFor(system: System, subject: string, admin = false): Promise<RatingsClient> {
  return createRatingsClient({ url: system.graphqlUrl, token: await system.token({ subject, admin }) });
}

/** Waits until the public keys hold the rating that the mutation answered, and says how long that took. */
async function followInRedis(redis: Redis, productId: string, average: number | null, count: number): Promise<void> {
  const began = performance.now();
  const keys = [`product:${productId}:rating`, `product:${productId}:reviewCount`];
  const wanted = [String(average ?? 0), String(count)];
  const found = await waitUntil(
    async () => {
      const values = await redis.mget(keys);
      return values.every((value, i) => value === wanted[i]) ? values : undefined;
    },
    { timeoutMs: 15_000, intervalMs: 1 },
  );
  if (found === undefined) throw new Error(`Redis did not reach rating ${wanted[0]} of ${wanted[1]} reviews in 15 s`);
  print(`      Redis: rating ${found[0]}, reviewCount ${found[1]} (after ${Math.round(performance.now() - began)} ms)`);
}

async function oneProduct(system: System, redis: Redis): Promise<void> {
  print('1. One product, and its rating after every change');
  const admin = await clientFor(system, 'root', true);
  const { createProduct } = await admin.CreateProduct({
    input: { name: 'Gooseneck kettle', externalId: 'DEMO-1', price: { amount: '49.90', currencyCode: 'EUR' } },
  });
  const product = createProduct.product!;
  print(`   root creates "${product.name}" at ${product.price.amount} ${product.price.currencyCode}`);

  type Rated = { averageRating?: number | null; reviewCount: number };
  const follow = async (what: string, rated: Rated): Promise<void> => {
    print(`   ${what}: answered ${rated.averageRating ?? 'no rating'} of ${rated.reviewCount} reviews`);
    await followInRedis(redis, product.id, rated.averageRating ?? null, rated.reviewCount);
  };

  const reviewIds = new Map<string, string>();
  for (const [name, rating] of [
    ['alice', 5],
    ['bob', 4],
    ['carol', 2],
  ] as const) {
    const author = await clientFor(system, name);
    const { createReview } = await author.CreateReview({ input: { productId: product.id, rating } });
    reviewIds.set(name, createReview.review!.id);
    await follow(`${name} gives ${rating} stars`, createReview.product!);
  }
  const again = await (await clientFor(system, 'bob')).CreateReview({ input: { productId: product.id, rating: 1 } });
  print(`   bob tries a second review: ${again.createReview.userErrors[0]!.code}`);

  const { updateReview } = await (
    await clientFor(system, 'carol')
  ).UpdateReview({
    input: { id: reviewIds.get('carol')!, rating: 4, body: 'Better once descaled.' },
  });
  await follow('carol edits hers to 4 stars', updateReview.product!);

  const { deleteReview } = await (
    await clientFor(system, 'bob')
  ).DeleteReview({
    input: { id: reviewIds.get('bob')! },
  });
  await follow('bob deletes his', deleteReview.product!);
}

async function killUnderLoad(system: System): Promise<void> {
  print('');
  print(`2. The worker is killed with kill -9 while ${LOAD_AUTHORS} people write`);
  const admin = await clientFor(system, 'root', true);
  const productIds: string[] = [];
  for (let i = 1; i <= LOAD_PRODUCTS; i += 1) {
    const { createProduct } = await admin.CreateProduct({
      input: { name: `Product ${i}`, price: { amount: '10.00', currencyCode: 'EUR' } },
    });
    productIds.push(createProduct.product!.id);
  }

  let answered = 0;
  let running = true;
  const author = async (index: number): Promise<void> => {
    const client = await clientFor(system, `author-${index}`);
    const own = new Map<string, string>();
    for (let i = index; running && !signal.aborted; i += 1) {
      const productId = productIds[(i * 7) % productIds.length]!;
      const reviewId = own.get(productId);
      const rating = 1 + ((i * 3 + index) % 5);
      if (reviewId === undefined) {
        const { createReview } = await client.CreateReview({ input: { productId, rating } });
        own.set(productId, createReview.review!.id);
      } else if (i % 4 === 0) {
        await client.DeleteReview({ input: { id: reviewId } });
        own.delete(productId);
      } else {
        await client.UpdateReview({ input: { id: reviewId, rating } });
      }
      answered += 1;
    }
  };
  const load = Promise.all(Array.from({ length: LOAD_AUTHORS }, (_, i) => author(i)));
  const worker = system.workers[0]!;
  const began = Date.now();
  const say = (what: string): void => print(`   ${seconds(Date.now() - began).padEnd(7)} ${what}`);
  await Promise.race([load, delay(LOAD_MS / 3)]);
  const victim = worker.current!;
  await victim.kill();
  say(`${answered} changes answered; kill -9 of the worker (pid ${victim.pid})`);
  await waitUntil(() => worker.pid !== undefined && worker.pid !== victim.pid, { timeoutMs: 30_000 });
  await worker.waitUntilReady(60_000);
  say(`${answered} changes answered meanwhile, none failed; the worker is back (pid ${worker.pid})`);
  await Promise.race([load, delay(LOAD_MS / 3)]);
  running = false;
  await load;
  say(`the load ends: ${answered} changes of ${LOAD_PRODUCTS} products, every one answered`);
}

async function compare(system: System): Promise<boolean> {
  print('');
  print('3. Every product in Redis against PostgreSQL (npm run ratings -- audit --wait 60)');
  const { exitCode, output } = await runRatingsAudit(system.env, ['--wait', '60']);
  for (const line of output.trim().split('\n')) print(`   ${line}`);
  return exitCode === 0;
}

const began = Date.now();
try {
  const system = await startSystem({
    name: 'demo',
    fresh: true,
    removeOnStop: true,
    variables: { LOG_LEVEL: 'warn' },
    signal,
    onProgress: print,
  });
  const redis = new Redis({ host: system.env['REDIS_HOST']!, port: Number(system.env['REDIS_PORT']) });
  try {
    print();
    const story = async (): Promise<boolean> => {
      await oneProduct(system, redis);
      await killUnderLoad(system);
      return compare(system);
    };
    const cutShort = aborted(signal).then(() => {
      const { reason } = signal as { reason: Error };
      throw reason.name === 'TimeoutError'
        ? new Error(`The demo took longer than ${seconds(DEMO_TIMEOUT_MS)}.`)
        : reason;
    });
    const exact = await Promise.race([story(), cutShort]);
    print();
    print(exact ? 'Every rating equals PostgreSQL.' : 'Some ratings differ: this should never happen.');
    if (!exact) process.exitCode = 1;
  } finally {
    redis.disconnect();
    await system.stop();
  }
  print(`The demo took ${seconds(Date.now() - began)}.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
