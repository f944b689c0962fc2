import { setTimeout as delay } from 'node:timers/promises';
import { countOutbox } from '../../checks/backlog.js';
import { CONSUMER_GROUP } from '../../testbed.js';
import type { Fault, FaultContext } from './fault.js';
import { withAdmin } from './kafka-admin.js';
import { currentProcess, untilReady } from './service-faults.js';

/** Kills the broker and starts it again after `seconds`. A mutation that fails meanwhile is a violation. */
async function withoutKafka({ bed, load, note, violation }: FaultContext, seconds: number): Promise<void> {
  const { unknownOutcomes } = load.history;
  await bed.servers.kafka.kill();
  await delay(seconds * 1_000);
  note(`${await countOutbox(bed)} events waited in the outbox`);
  await bed.servers.kafka.start();
  const failed = load.history.unknownOutcomes - unknownOutcomes;
  if (failed > 0) violation(`${failed} mutations failed because Kafka was down`);
}

export const kafkaFaults: readonly Fault[] = [
  {
    name: 'kafka-down-30s',
    row: 5,
    title: 'the broker is down for 30 s',
    inject: (context) => withoutKafka(context, 30),
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'kafka-down-2min',
    row: 5,
    title: 'the broker is down for two minutes',
    load: { authors: 6, pauseMs: 50 },
    inject: (context) => withoutKafka(context, 120),
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'kafka-kill',
    row: 6,
    title: 'kill -9 of the broker, which starts again at once',
    repeatable: true,
    inject: (context) => withoutKafka(context, 0),
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'kafka-partitions-added',
    row: 7,
    title: 'four partitions are added while it runs',
    shape: { apis: 2, workers: 2, variables: { KAFKA_METADATA_MAX_AGE_MS: '2000' } },
    inject: async ({ bed, load }) => {
      await withAdmin(bed, async (admin) => {
        const offsets = await admin.fetchTopicOffsets(bed.topic);
        await admin.createPartitions({ topicPartitions: [{ topic: bed.topic, count: offsets.length + 4 }] });
      });
      // A producer refreshes its metadata every five minutes; one that reconnects does so at once.
      await Promise.all(bed.system.apis.map(async (api) => (await currentProcess(api)).kill()));
      await untilReady(bed.system.apis);
      await load.untilAnswered(300, 120_000);
    },
    readsMayFail: true,
  },
  {
    name: 'kafka-offsets-lost',
    row: 25,
    title: "the group's offsets are lost: everything is delivered again",
    inject: async ({ bed, note }) => {
      const workers = await Promise.all(bed.system.workers.map(currentProcess));
      workers.forEach((worker) => worker.pause());
      try {
        await withAdmin(bed, async (admin) => {
          const deadline = Date.now() + 60_000;
          for (;;) {
            const { groups } = await admin.describeGroups([CONSUMER_GROUP]);
            if (groups[0]?.state === 'Empty') break;
            if (Date.now() > deadline) throw new Error('the frozen workers stay members of the group');
            await delay(250);
          }
          await admin.deleteGroups([CONSUMER_GROUP]);
        });
        note('the group was deleted');
      } finally {
        workers.forEach((worker) => worker.resume());
      }
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'kafka-topic-recreated',
    row: 25,
    title: 'the topic is deleted with the events that wait in it, and created again',
    inject: async ({ bed }) => {
      await withAdmin(bed, async (admin) => {
        await admin.deleteTopics({ topics: [bed.topic] });
        await delay(2_000);
        for (;;) {
          try {
            await admin.createTopics({
              topics: [{ topic: bed.topic, numPartitions: 12, replicationFactor: 1 }],
              waitForLeaders: true,
            });
            return;
          } catch (error) {
            if (!/marked for deletion|already exists/i.test(String(error))) throw error;
            await delay(250);
          }
        }
      });
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
];
