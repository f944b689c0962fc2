import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Redis } from 'ioredis';
import { RatingWatch } from './rating-watch.js';

/** Answers MGET from a map of products' counts. */
function fakeRedis(counts: Map<string, number>): Redis {
  const mget = async (keys: string[]): Promise<Array<string | null>> => {
    await delay(1);
    return keys.map((key) => counts.get(key.split(':')[1]!)?.toString() ?? null);
  };
  return { mget } as unknown as Redis;
}

test('notes when each review of a product was readable, also several at once', async () => {
  const counts = new Map<string, number>();
  const watch = new RatingWatch(fakeRedis(counts));
  for (const product of ['a', 'a', 'a', 'b']) watch.expect(product);
  const began = Date.now();
  counts.set('a', 1);
  await delay(60);
  expect(watch.isComplete).toBe(false);
  counts.set('a', 3).set('b', 1);
  await waitUntil(() => watch.isComplete, { timeoutMs: 5_000 });
  await watch.stop();

  expect(watch.isComplete).toBe(true);
  expect(watch.readableAt('a', 1)! - began).toBeLessThan(50);
  expect(watch.readableAt('a', 2)! - began).toBeGreaterThanOrEqual(59);
  expect(watch.readableAt('a', 3)).toBe(watch.readableAt('a', 2));
  expect(watch.readableAt('b', 1)).toBe(watch.readableAt('a', 2));
  expect(watch.readableAt('b', 2)).toBeUndefined();
});
