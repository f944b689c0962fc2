import { Kafka, logLevel, type Admin } from 'kafkajs';
import { startStack, type Stack } from './stack.js';
import { waitUntil } from './wait-until.js';

process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';

let stack: Stack;
let admin: Admin;

beforeAll(async () => {
  stack = await startStack({
    name: `three-brokers-test-${process.pid}`,
    services: ['kafka'],
    kafkaBrokers: 3,
    fresh: true,
    removeOnStop: true,
  });
  const brokers = stack.env['KAFKA_BROKER']!.split(',');
  admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 10, maxRetryTime: 1_000 } }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic: 'kept', numPartitions: 3, replicationFactor: 3 }],
    waitForLeaders: false,
  });
}, 300_000);

afterAll(async () => {
  await admin?.disconnect();
  await stack?.stop();
}, 60_000);

/** The leaders of the three partitions, once they are as wanted. */
async function leadersOnce(wanted: (leaders: readonly number[]) => boolean): Promise<readonly number[] | undefined> {
  return waitUntil(
    async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['kept'] }).catch(() => ({ topics: [] }));
      const leaders = (topics[0]?.partitions ?? []).map(({ leader }) => leader);
      return leaders.length === 3 && wanted(leaders) ? leaders : undefined;
    },
    { timeoutMs: 30_000, intervalMs: 200 },
  );
}

test('each broker leads a partition; when one is killed the others take over, and when it is back it leads again', async () => {
  const { brokers } = stack.kafka;
  expect(brokers.map(({ name }) => name)).toEqual([1, 2, 3].map((id) => expect.stringMatching(`^Kafka .* #${id}$`)));
  expect(await leadersOnce((leaders) => [1, 2, 3].every((id) => leaders.includes(id)))).toBeDefined();

  await brokers[1]!.kill();
  expect(brokers.map(({ isRunning }) => isRunning)).toEqual([true, false, true]);
  expect(await leadersOnce((leaders) => leaders.every((id) => id === 1 || id === 3))).toBeDefined();

  await brokers[1]!.start();
  expect(await leadersOnce((leaders) => leaders.includes(2))).toBeDefined();
}, 120_000);
