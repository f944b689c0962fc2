import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { launchServiceProcess, type ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import { RATING_WORKER_ENTRY } from '@exact-ratings/stack/system.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Testbed } from '../../testbed.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import type { Fault } from './fault.js';
import { currentProcess, killService, untilReady } from './service-faults.js';

/** Starts one more worker, which no supervisor restarts. */
async function launchWorker(bed: Testbed, name: string): Promise<ServiceProcess> {
  const port = await findFreePort();
  return launchServiceProcess({
    name: `rating-worker-${name}`,
    entry: RATING_WORKER_ENTRY,
    env: { ...bed.system.env, REVIEW_PROCESSING_SERVICE_PORT: String(port) },
    logFile: join(bed.system.stack.logDirectory, `rating-worker-${name}.log`),
    readyUrl: `http://127.0.0.1:${port}/ready`,
    pidDirectory: bed.system.stack.pidDirectory,
  });
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
        const extra = await launchWorker(bed, `${name}-${round}`);
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
];
