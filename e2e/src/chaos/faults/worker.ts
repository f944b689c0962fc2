import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Admin } from 'kafkajs';
import { timeToRecovery } from '../../checks/steady-state.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import { CONSUMER_GROUP, type Testbed } from '../../testbed.js';
import { launchWorker } from './extra-process.js';
import type { Fault, FaultContext } from './fault.js';
import { withAdmin } from './kafka-admin.js';
import { currentProcess, killService, untilReady } from './service-faults.js';

/** The group's committed offset of each partition. */
async function committedOffsets(admin: Admin, topic: string): Promise<Map<number, number>> {
  const [group] = await admin.fetchOffsets({ groupId: CONSUMER_GROUP, topics: [topic] });
  return new Map(group!.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** Resolves when the consumer group has so many members. */
async function untilMembers(bed: Testbed, count: number): Promise<void> {
  await withAdmin(bed, async (admin) => {
    const reached = await waitUntil(
      async () => {
        const { groups } = await admin.describeGroups([CONSUMER_GROUP]);
        return groups[0]?.state === 'Stable' && groups[0].members.length === count;
      },
      { timeoutMs: 60_000, intervalMs: 250 },
    );
    if (reached !== true) throw new Error(`the group did not come to ${count} members within 60 s`);
  });
}

/** Adds one review to each product, and waits until Redis holds them all. */
async function reviewAll({ bed, productIds, violation }: FaultContext): Promise<void> {
  await bed.pool.query('INSERT INTO reviews (product_id, rating) SELECT p, 3 FROM unnest($1::uuid[]) p', [productIds]);
  if ((await timeToRecovery(bed, productIds)) === undefined)
    violation('Redis did not hold the new reviews within 60 s');
}

export const workerFaults: readonly Fault[] = [
  {
    name: 'worker-kill',
    row: 10,
    title: 'kill -9 of a worker in the middle of a job',
    repeatable: true,
    recoverWithinMs: 15_000,
    inject: async ({ bed, note }) => {
      const worker = await currentProcess(bed.system.workers[0]!);
      const active = await waitUntil(() => bed.redis.llen('bull:ratings:active'), { timeoutMs: 10_000, intervalMs: 1 });
      await worker.kill();
      const left = await bed.redis.llen('bull:ratings:active');
      note(`${active ?? 0} jobs were active, ${left} right after it`);
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'workers-kill-before-commit',
    row: 8,
    title: 'kill -9 of all workers before they commit their offsets, three times',
    inject: async ({ bed, load, note }) => {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(bed.system.workers.map(killService));
        await untilReady(bed.system.workers);
        await load.untilAnswered(30, 120_000);
      }
      const duplicates = await sumOverWorkers(bed, 'rating_events_total{result="duplicate"}');
      note(`${duplicates} duplicates after the last kill`);
    },
  },
  {
    name: 'workers-join-and-leave',
    row: 9,
    title: 'workers join and leave every 5 s, by SIGTERM and by kill -9 in turn, for 40 s',
    inject: async ({ bed, name, note }) => {
      for (let round = 1; round <= 8; round += 1) {
        const { process: extra } = await launchWorker(bed, `${name}-${round}`);
        await delay(5_000);
        const exit = round % 2 === 0 ? await extra.kill() : await extra.stop();
        if (round % 2 === 1 && exit.code !== 0) note(`a worker left with exit ${exit.code ?? exit.signal}`);
      }
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'worker-frozen',
    row: 24,
    title: 'SIGSTOP of a worker for 25 s, longer than every lease, then SIGCONT',
    repeatable: true,
    inject: async ({ bed }) => {
      const worker = await currentProcess(bed.system.workers[1]!);
      await waitUntil(() => bed.redis.llen('bull:ratings:active'), { timeoutMs: 5_000, intervalMs: 1 });
      worker.pause();
      await delay(25_000);
      worker.resume();
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'worker-frozen-quiet',
    row: 34,
    title: 'SIGSTOP of a worker while another does its work and leaves; when it comes back, no offset goes back',
    shape: { apis: 1, workers: 1, variables: { KAFKA_STALL_TIMEOUT_MS: '15000' } },
    products: 48,
    load: { authors: 4 },
    withoutLoad: true,
    foreignChanges: true,
    inject: async (context) => {
      const { bed, name, note, violation } = context;
      const { process: second } = await launchWorker(bed, name);
      await second.waitUntilReady();
      await reviewAll(context);
      const first = await currentProcess(bed.system.workers[0]!);
      first.pause();
      try {
        // Its pending fetch has been answered with nothing by then, so it does not see these when it comes back.
        await untilMembers(bed, 1);
        await reviewAll(context);
        // The first worker then gets back all of its partitions, and the second has committed their offsets.
        const exit = await second.stop();
        if (exit.code !== 0) violation(`the second worker ended with ${exit.code ?? exit.signal}`);
      } finally {
        first.resume();
      }
      await withAdmin(bed, async (admin) => {
        let before = await committedOffsets(admin, bed.topic);
        let backwards = 0;
        // Longer than the stall timeout: a partition whose offset went back looks stalled, and its worker would exit.
        const until = Date.now() + 25_000;
        while (Date.now() < until) {
          await delay(250);
          const now = await committedOffsets(admin, bed.topic);
          for (const [partition, offset] of now) if (offset < (before.get(partition) ?? -1)) backwards += 1;
          before = now;
        }
        note(`${backwards} offsets went back`);
        if (backwards > 0) violation(`the committed offsets of ${backwards} partitions went back`);
      });
      const restarts = bed.system.workers.reduce((sum, worker) => sum + worker.restarts, 0);
      if (restarts > 0) violation(`workers have ended and were restarted ${restarts} times`);
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
];
