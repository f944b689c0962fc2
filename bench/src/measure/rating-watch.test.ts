import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
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
  counts.set('a', 1);
  await eventually('the first is readable', () => watch.readableAt('a', 1));
  const first = Date.now();
  await eventually('time goes by', () => Date.now() > first);
  expect(watch.isComplete).toBe(false);
  counts.set('a', 3).set('b', 1);
  await eventually('all are readable', () => watch.isComplete);
  await watch.stop();

  expect(watch.isComplete).toBe(true);
  expect(watch.readableAt('a', 1)).toBeLessThanOrEqual(first);
  expect(watch.readableAt('a', 2)).toBeGreaterThan(first);
  expect(watch.readableAt('a', 3)).toBe(watch.readableAt('a', 2));
  expect(watch.readableAt('b', 1)).toBe(watch.readableAt('a', 2));
  expect(watch.readableAt('b', 2)).toBeUndefined();
});
