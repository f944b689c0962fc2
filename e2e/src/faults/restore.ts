import { setTimeout as delay } from 'node:timers/promises';
import { Load } from '../load.js';
import type { Fault } from './fault.js';
import { backUpPostgres, restorePostgres } from './postgres-backup.js';
import { copyRedis, putBackRedis } from './redis-backup.js';
import { currentProcess, untilReady } from './service-faults.js';

export const restoreFaults: readonly Fault[] = [
  {
    name: 'postgres-put-back',
    row: 21,
    title: 'PostgreSQL is put back to an older backup while the later events wait in Kafka',
    withoutLoad: true,
    foreignChanges: true,
    // One pass of the reconciler over all products, and the time between two.
    healWithinMs: 75_000,
    strike: async ({ bed, productIds, name, note, alsoCheck }) => {
      await backUpPostgres(bed);
      const workers = await Promise.all(bed.system.workers.map(currentProcess));
      const lost = new Load(bed, { name: `${name}-lost`, productIds, authors: 10 }).start();
      await lost.untilAnswered(150);
      workers.forEach((worker) => worker.pause());
      await lost.untilAnswered(150);
      await lost.stop();
      await restorePostgres(bed);
      note(`${lost.journal.answers.length} changes were lost with the restore`);
      workers.forEach((worker) => worker.resume());
      const after = new Load(bed, { name: `${name}-after`, productIds, authors: 10 }).start();
      alsoCheck(after.journal);
      await after.untilAnswered(100);
      await after.stop();
    },
    back: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'redis-put-back',
    row: 22,
    title: 'Redis is put back to an older copy of itself, 300 changes ago',
    repeatable: true,
    strike: async ({ bed, load }) => {
      const copy = await copyRedis(bed);
      await load.untilAnswered(300, 120_000);
      await putBackRedis(bed, copy);
    },
    back: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'redis-stale-replica',
    row: 22,
    title: 'a stale replica takes the place of Redis: first READONLY for 5 s, then older data',
    strike: async ({ bed, load }) => {
      const copy = await copyRedis(bed);
      await load.untilAnswered(100, 120_000);
      await bed.redis.replicaof('127.0.0.1', 1);
      await delay(5_000);
      await bed.redis.replicaof('NO', 'ONE');
      await putBackRedis(bed, copy);
    },
    back: ({ bed }) => untilReady(bed.system.workers),
  },
];
