import { randomUUID } from 'node:crypto';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { timeToRecovery } from '../../checks/steady-state.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import { readDeadLetters } from '../../checks/dead-letters.js';
import { readPartitions } from '../../checks/witness.js';
import type { Fault } from './fault.js';
import { withAdmin } from './kafka-admin.js';
import { untilReady } from './service-faults.js';

export const deadLetterFaults: readonly Fault[] = [
  {
    name: 'dead-letters-blocked',
    row: 36,
    title:
      'the dead-letter topic is gone when a malformed message comes; the other partitions go on, and it is not lost',
    inject: async ({ bed, productIds, load, note, violation }) => {
      const partitions = await readPartitions(bed);
      const [blocked] = [...new Set(productIds.map((id) => partitions.get(id)))].filter((one) => one !== undefined);
      const others = productIds.filter((id) => partitions.has(id) && partitions.get(id) !== blocked);
      const deadLetterTopic = `${bed.topic}.dead-letters`;
      const value = `malformed ${randomUUID()}`;
      await withAdmin(bed, (admin) => admin.deleteTopics({ topics: [deadLetterTopic] }));
      const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({ topic: bed.topic, messages: [{ partition: blocked!, key: productIds[0]!, value }] });
      await producer.disconnect();
      try {
        const gauge = await waitUntil(async () => (await sumOverWorkers(bed, 'rating_dead_letters_blocked')) > 0, {
          timeoutMs: 60_000,
          intervalMs: 200,
        });
        if (gauge !== true) violation('rating_dead_letters_blocked stayed 0 for 60 s');
        const isUnready = await waitUntil(
          async () => {
            const statuses = bed.system.workers.map(async ({ url }) => (await fetch(`${url}/ready`)).status);
            return (await Promise.all(statuses)).includes(503);
          },
          { timeoutMs: 10_000, intervalMs: 200 },
        );
        if (isUnready !== true) violation('/ready of every worker stayed 200 while the dead letters were blocked');
        await load.untilAnswered(60, 60_000);
        const ms = await timeToRecovery(bed, others, 60_000);
        if (ms === undefined) violation(`the ${others.length} products of other partitions stood still for 60 s`);
        else note(`${others.length} products of other partitions were up to date after ${ms} ms`);
      } finally {
        await withAdmin(bed, (admin) =>
          admin.createTopics({ topics: [{ topic: deadLetterTopic, numPartitions: 1 }], waitForLeaders: true }),
        );
      }
      const letters = await readDeadLetters(bed, 1);
      if (!letters.some((letter) => String(letter.value) === value)) violation('the malformed message was lost');
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
];
