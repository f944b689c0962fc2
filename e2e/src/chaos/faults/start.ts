import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, FaultContext } from './fault.js';
import { killService, untilReady } from './service-faults.js';

/** Kills all services, so that they start while a server is down, then starts the server. */
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
    inject: (context) => startWithout(context, 'kafka'),
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'start-without-redis',
    row: 29,
    title: 'APIs and workers start while Redis is down, then it comes, empty',
    readsMayFail: true,
    inject: (context) => startWithout(context, 'redis'),
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
];
