import { setTimeout as delay } from 'node:timers/promises';
import { descendantsOf } from '@exact-ratings/stack/processes/process-identity.js';
import { createWorld } from '../environment/world.js';
import { processCpu } from '../measure/process-cpu.js';
import { formatNumber, type Figure } from '../report/figure.js';
import type { Scenario } from './scenario.js';

/** What a start leaves to do (compilation, metadata, first scans) is over after this time. */
const SETTLE_MS = 5_000;
const WANTED_WORKER = 5;
const WANTED_KAFKA = 15;

/** CPU of everything while nothing is asked of it, in ms a second. */
export const idle: Scenario = async ({ stack, sizes, progress, signal }) => {
  const world = await createWorld(stack, 'idle');
  try {
    const api = await world.startApi();
    const worker = await world.startWorker();
    const postgres = stack.postgres.pid ?? 0;
    const parts = {
      worker: () => processCpu(worker.pid),
      Kafka: () => processCpu(stack.kafka.pid ?? 0),
      API: () => processCpu(api.pid),
      Redis: () => processCpu(stack.redis.pid ?? 0),
      PostgreSQL: () =>
        [postgres, ...descendantsOf(postgres)].reduce((sum, pid) => sum + processCpu(pid, { endedChildren: true }), 0),
    };
    await delay(SETTLE_MS, undefined, { signal });
    const names = Object.keys(parts) as Array<keyof typeof parts>;
    const before = names.map((name) => parts[name]());
    const began = performance.now();
    progress(`watching for ${sizes.idleSeconds} s`);
    await delay(sizes.idleSeconds * 1_000, undefined, { signal });
    const elapsed = (performance.now() - began) / 1_000;
    const wanted = new Map([
      ['worker', WANTED_WORKER],
      ['Kafka', WANTED_KAFKA],
    ]);
    return names.map((name, i): Figure => {
      const value = (parts[name]() - before[i]!) / 1_000 / elapsed;
      progress(`${name}: ${formatNumber(value)} ms a second`);
      const limit = wanted.get(name);
      return {
        measure: `CPU of an idle ${name} a second`,
        value,
        unit: 'ms',
        ...(limit === undefined ? {} : { wanted: { atMost: limit } }),
      };
    });
  } finally {
    await world.close();
  }
};
