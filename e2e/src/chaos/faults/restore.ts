import { setTimeout as delay } from 'node:timers/promises';
import { timeToEqual } from '../../checks/steady-state.js';
import { Load } from '../../workload/load.js';
import type { Fault } from './fault.js';
import { backUpPostgres, restorePostgres } from './postgres-backup.js';
import { copyRedis, restoreRedis } from './redis-backup.js';
import { currentProcess, untilReady } from './service-faults.js';

export const restoreFaults: readonly Fault[] = [
  {
    name: 'postgres-restored',
    row: 21,
    title: 'PostgreSQL is restored from an older backup while the later events wait in Kafka',
    withoutLoad: true,
    foreignChanges: true,
    // One scan of the reconciler over all products, and the interval between two.
    recoverWithinMs: 75_000,
    inject: async ({ bed, productIds, name, note, alsoCheck }) => {
      await backUpPostgres(bed);
      const workers = await Promise.all(bed.system.workers.map(currentProcess));
      const lost = new Load(bed, { name: `${name}-lost`, productIds, authors: 10 }).start();
      await lost.untilAnswered(150);
      workers.forEach((worker) => worker.pause());
      await lost.untilAnswered(150);
      await lost.stop();
      await restorePostgres(bed);
      note(`${lost.history.answers.length} changes were lost with the restore`);
      workers.forEach((worker) => worker.resume());
      const after = new Load(bed, { name: `${name}-after`, productIds, authors: 10 }).start();
      alsoCheck(after.history);
      await after.untilAnswered(100);
      await after.stop();
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'postgres-fail-over',
    row: 35,
    title:
      'fail-over to an asynchronous standby: the last change of each product is lost, and another takes its number',
    withoutLoad: true,
    foreignChanges: true,
    // Noticed at the event that takes a number again: no scan is waited for.
    recoverWithinMs: 10_000,
    inject: async ({ bed, productIds, violation }) => {
      const reviewAll = (rating: number) =>
        bed.pool.query('INSERT INTO reviews (product_id, rating) SELECT p, $2 FROM unnest($1::uuid[]) p', [
          productIds,
          rating,
        ]);
      await backUpPostgres(bed);
      await reviewAll(5);
      const reached = await timeToEqual(bed, productIds);
      if (reached === undefined) violation('the lost changes had not reached Redis within 60 s');
      await restorePostgres(bed);
      await reviewAll(1);
    },
  },
  {
    name: 'redis-restored',
    row: 22,
    title: 'Redis is restored from an older copy of itself, 300 changes ago',
    repeatable: true,
    inject: async ({ bed, load }) => {
      const copy = await copyRedis(bed);
      await load.untilAnswered(300, 120_000);
      await restoreRedis(bed, copy);
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'redis-stale-replica',
    row: 22,
    title: 'a stale replica replaces Redis: first READONLY for 5 s, then older data',
    inject: async ({ bed, load }) => {
      const copy = await copyRedis(bed);
      await load.untilAnswered(100, 120_000);
      await bed.redis.replicaof('127.0.0.1', 1);
      await delay(5_000);
      await bed.redis.replicaof('NO', 'ONE');
      await restoreRedis(bed, copy);
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
];
