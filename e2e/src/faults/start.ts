import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, FaultContext } from './fault.js';
import { killService, untilReady } from './service-faults.js';

/** API and worker are killed and start while a server is down. */
async function startWithout({ bed }: FaultContext, server: 'kafka' | 'redis'): Promise<void> {
  await bed.servers[server].kill();
  await Promise.all([...bed.system.apis, ...bed.system.workers].map(killService));
  await untilReady(bed.system.apis);
  await delay(5_000);
  await bed.servers[server].start(server === 'redis' ? { empty: true } : {});
}

export const startFaults: readonly Fault[] = [
  {
    name: 'start-without-kafka',
    row: 29,
    title: 'APIs and workers start while Kafka is down, then it comes',
    readsMayFail: true,
    strike: (context) => startWithout(context, 'kafka'),
    back: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'start-without-redis',
    row: 29,
    title: 'APIs and workers start while Redis is down, then it comes, empty',
    readsMayFail: true,
    strike: (context) => startWithout(context, 'redis'),
    back: ({ bed }) => untilReady(bed.system.workers),
  },
];
