import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { Random } from '../../workload/random.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import type { Fault } from './fault.js';

const COPY_HEADER = 'e2e-copy';

export const queueFaults: readonly Fault[] = [
  {
    name: 'events-three-times-shuffled',
    row: 11,
    title: '8 workers; every event comes three times, out of order',
    shape: { apis: 1, workers: 8 },
    inject: async ({ bed, load, note, random }) => {
      const consumer = bed.kafka.consumer({ groupId: `e2e-copies-${Date.now()}`, maxWaitTimeInMs: 100 });
      const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
      await Promise.all([consumer.connect(), producer.connect()]);
      const shuffle = new Random(random.integer(1, 1e9));
      let copies = 0;
      try {
        await consumer.subscribe({ topic: bed.topic, fromBeginning: true });
        await consumer.run({
          eachBatch: async ({ batch }) => {
            const originals = batch.messages.filter(({ headers }) => headers?.[COPY_HEADER] === undefined);
            if (originals.length === 0) return;
            const twice = shuffle.shuffle([...originals, ...originals]);
            const messages = twice.map(({ key, value }) => ({ key, value, headers: { [COPY_HEADER]: '1' } }));
            copies += messages.length;
            await producer.send({ topic: bed.topic, messages });
          },
        });
        await load.untilAnswered(400, 180_000);
      } finally {
        await consumer.disconnect();
        await producer.disconnect();
      }
      note(`${copies} copies`);
    },
  },
  {
    name: 'job-uses-up-attempts',
    row: 12,
    title: 'Redis refuses the writes of ratings until jobs have used up their attempts',
    shape: { apis: 2, workers: 2, variables: { RATING_JOB_ATTEMPTS: '3' } },
    inject: async ({ bed, note, violation }) => {
      const failed = 'rating_jobs_total{result="failed"}';
      const before = await sumOverWorkers(bed, failed);
      // The scripts write with MSET, BullMQ never does.
      await bed.redis.call('ACL', 'SETUSER', 'default', '-mset');
      try {
        const count = await waitUntil(async () => (await sumOverWorkers(bed, failed)) - before, { timeoutMs: 60_000 });
        await delay(3_000);
        note(`${count ?? 0} jobs used up their attempts`);
        if (count === undefined) violation('no job was counted as failed');
        if ((await bed.redis.zcard('bull:ratings:failed')) === 0) violation('no failed job was kept');
      } finally {
        await bed.redis.call('ACL', 'SETUSER', 'default', '+mset');
      }
    },
  },
];
