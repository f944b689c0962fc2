import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.js';
import { currentProcess, untilReady } from './service-faults.js';

const MINUTES = 1.5;

export const randomKillFaults: readonly Fault[] = [
  {
    name: 'random-kills',
    row: 19,
    title: `kill -9 of a random process every few seconds, for ${MINUTES * 60} s`,
    readsMayFail: true,
    inject: async ({ bed, random, note }) => {
      const kills: Record<string, number> = {};
      const until = Date.now() + MINUTES * 60_000;
      while (Date.now() < until) {
        await delay(random.integer(1_000, 4_000));
        const victim = random.pick(['api', 'api', 'worker', 'worker', 'redis', 'kafka', 'postgres'] as const);
        kills[victim] = (kills[victim] ?? 0) + 1;
        if (victim === 'api' || victim === 'worker') {
          const services = victim === 'api' ? bed.system.apis : bed.system.workers;
          await (await currentProcess(random.pick(services))).kill();
        } else {
          await bed.servers[victim].kill();
          await delay(random.integer(0, 2_000));
          await bed.servers[victim].start();
        }
      }
      note(
        Object.entries(kills)
          .map(([victim, count]) => `${count} × ${victim}`)
          .join(', '),
      );
    },
    untilRecovered: ({ bed }) => untilReady([...bed.system.apis, ...bed.system.workers]),
  },
];
