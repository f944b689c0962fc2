import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { compareRatings } from '../../checks/ratings-comparison.js';
import type { Fault } from './fault.js';
import { currentProcess, killService, untilReady } from './service-faults.js';

/** Bound for one scan of the reconciler over all products: the interval between two scans, and a scan. */
const ONE_SCAN_MS = 75_000;

/** Milliseconds from the flush until Redis held every product again; undefined when that was not in time. */
let filled: Promise<number | undefined> = Promise.resolve(undefined);

async function usedMemory(info: string): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}

export const redisFaults: readonly Fault[] = [
  {
    name: 'redis-flush',
    row: 13,
    title: 'FLUSHALL',
    repeatable: true,
    recoverWithinMs: 5_000,
    inject: async ({ bed }) => {
      await bed.redis.flushall();
      const began = Date.now();
      filled = waitUntil(async () => (await compareRatings(bed)).missing === 0, {
        timeoutMs: ONE_SCAN_MS,
        intervalMs: 100,
      }).then(
        (all) => (all === true ? Date.now() - began : undefined),
        () => undefined,
      );
    },
    verify: async ({ note, violation }) => {
      const ms = await filled;
      if (ms === undefined) violation(`recovery: not all products were in Redis again after ${ONE_SCAN_MS} ms`);
      else note(`all products, read or not, were in Redis again after ${(ms / 1_000).toFixed(1)} s`);
    },
  },
  {
    name: 'redis-restart-empty',
    row: 14,
    title: 'Redis is killed and comes back empty after 5 s',
    repeatable: true,
    inject: async ({ bed }) => {
      await bed.servers.redis.kill();
      await delay(5_000);
      await bed.servers.redis.start({ empty: true });
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'redis-restart',
    row: 14,
    title: 'Redis is killed and comes back with its data',
    repeatable: true,
    inject: async ({ bed }) => {
      await bed.servers.redis.kill();
      await bed.servers.redis.start();
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'redis-out-of-memory',
    row: 16,
    title: 'Redis has no memory left for 10 s, under noeviction',
    repeatable: true,
    inject: async ({ bed, note }) => {
      await bed.redis.config('SET', 'maxmemory', '1mb');
      const refused = await bed.redis.set('e2e:probe', 'x').catch((error: unknown) => String(error));
      note(`a write answered: ${refused.slice(0, 40)}`);
      await delay(10_000);
      await bed.redis.config('SET', 'maxmemory', '0');
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'redis-keys-lost-and-corrupt',
    row: 23,
    title: 'single keys are lost and corrupt and the scripts flushed, for 5 s',
    repeatable: true,
    inject: async ({ bed, productIds, random, note }) => {
      const until = Date.now() + 5_000;
      let count = 0;
      for (; Date.now() < until; count += 1) {
        const key = `product:${random.pick(productIds)}:${random.pick(['rating', 'reviewCount', 'ratingState'])}`;
        switch (random.integer(0, 4)) {
          case 0:
            await bed.redis.del(key);
            break;
          case 1:
            await bed.redis.set(key, random.pick(['abc', 'NaN', '-1', '', '1e400', '7 1 1']));
            break;
          case 2:
            await bed.redis.multi().del(key).lpush(key, 'a list').exec();
            break;
          case 3:
            await bed.redis.expire(key, 1);
            break;
          default:
            await bed.redis.script('FLUSH');
        }
        await delay(10);
      }
      note(`${count} times`);
    },
  },
  {
    name: 'redis-evicts',
    row: 30,
    title: 'a maxmemory-policy that evicts, with too little memory, for 10 s',
    inject: async ({ bed, note, violation }) => {
      const used = await usedMemory(await bed.redis.info('memory'));
      await bed.redis.config('SET', 'maxmemory-policy', 'allkeys-random');
      await bed.redis.config('SET', 'maxmemory', String(used - 200_000));
      const [worker] = bed.system.workers;
      const { logFile } = await currentProcess(worker!);
      try {
        await killService(worker!);
        const refused = await waitUntil(async () => (await readFile(logFile, 'utf8')).includes('which evicts jobs'), {
          timeoutMs: 10_000,
          intervalMs: 200,
        });
        if (refused !== true) violation('the worker that was started again did not refuse the policy');
        await delay(5_000);
        const evicted = /^evicted_keys:(\d+)/m.exec(await bed.redis.info('stats'))?.[1];
        note(`${evicted} keys were evicted`);
      } finally {
        await bed.redis.config('SET', 'maxmemory', '0');
        await bed.redis.config('SET', 'maxmemory-policy', 'noeviction');
      }
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
];
