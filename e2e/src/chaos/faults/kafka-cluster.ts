import type { ManagedServer } from '@exact-ratings/stack/servers/managed-server.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { findTopicViolations, readCommittedEvents, readTopic, recordCommittedEvents } from '../../checks/witness.js';
import type { Testbed } from '../../testbed.js';
import { BulkWriter } from '../../workload/bulk-writer.js';
import type { Fault, FaultContext, SystemShape } from './fault.js';
import { untilReady } from './service-faults.js';

/** Three replicas are the default where there are three brokers. */
const THREE_BROKERS: SystemShape = { apis: 2, workers: 2, kafkaBrokers: 3 };

/** Resolves when every partition has all replicas in sync and is led by its preferred one. */
async function untilLeadersAreBack(bed: Testbed): Promise<void> {
  const admin = bed.kafka.admin();
  await admin.connect();
  try {
    const back = await waitUntil(
      async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [bed.topic] });
        return topics[0]!.partitions.every(
          ({ leader, replicas, isr }) => leader === replicas[0] && isr.length === replicas.length,
        );
      },
      { timeoutMs: 90_000, intervalMs: 200 },
    );
    if (back !== true) throw new Error('the leaders did not come back to their preferred brokers within 90 s');
  } finally {
    await admin.disconnect();
  }
}

/** Restarts one broker after the other under a heavy load; the leaders move away and come back each time. */
async function restartInTurn(context: FaultContext, restart: (broker: ManagedServer) => Promise<void>): Promise<void> {
  const { bed, load, productIds, note, violation, random } = context;
  const { unknownOutcomes } = load.history;
  const writer = new BulkWriter(bed, { productIds, seed: random.integer(1, 1e6) }).start();
  try {
    for (const broker of bed.servers.kafka.brokers) {
      await restart(broker);
      await untilLeadersAreBack(bed);
      await load.untilAnswered(30, 60_000);
    }
  } finally {
    await writer.stop();
  }
  note(`${writer.events} events by plain statements besides`);
  const failed = load.history.unknownOutcomes - unknownOutcomes;
  if (failed > 0) violation(`${failed} mutations failed because a broker was restarted`);
}

/** The witness: whatever was committed is in the topic, in order. */
async function verifyTopic({ bed, productIds, note, violation }: FaultContext): Promise<void> {
  const committed = await readCommittedEvents(bed, productIds);
  const sighted = await readTopic(bed);
  const violations = findTopicViolations(committed, sighted);
  note(`the witness has read ${sighted.length} events; ${committed.length} were committed`);
  violations.forEach(violation);
}

const ROLLING_RESTART = {
  shape: THREE_BROKERS,
  foreignChanges: true,
  prepare: recordCommittedEvents,
  untilRecovered: ({ bed }: FaultContext) => untilReady(bed.system.workers),
  verify: verifyTopic,
} as const;

export const kafkaClusterFaults: readonly Fault[] = [
  {
    ...ROLLING_RESTART,
    name: 'kafka-rolling-restart',
    row: 33,
    title: 'three brokers are restarted one after the other by SIGTERM; the leaders move away and back',
    inject: (context) =>
      restartInTurn(context, async (broker) => {
        await broker.stop();
        await broker.start();
      }),
  },
  {
    ...ROLLING_RESTART,
    name: 'kafka-rolling-kill',
    row: 33,
    title: 'three brokers are killed one after the other by SIGKILL and start again; the leaders move away and back',
    inject: (context) =>
      restartInTurn(context, async (broker) => {
        await broker.kill();
        await broker.start();
      }),
  },
];
