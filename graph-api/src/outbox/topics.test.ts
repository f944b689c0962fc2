import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { startStack, type Stack } from '@exact-ratings/stack/stack.js';
import { ConfigResourceTypes, type Admin, type Kafka } from 'kafkajs';
import { ensureTopics, type TopicSettings } from './topics.js';

const AUTOMATIC: TopicSettings = { partitions: 3, replicationFactor: 0, minInsyncReplicas: 0 };

let servers: Stack;
let kafka: Kafka;
let admin: Admin;
let topics = 0;

beforeAll(async () => {
  servers = await startStack({
    name: `topics-test-${process.pid}`,
    services: ['kafka'],
    kafkaBrokers: 3,
    fresh: true,
    removeOnStop: true,
  });
  kafka = createKafkaClient(config('any'), 'test', createLogger('test', 'silent'));
  admin = kafka.admin({ retry: { retries: 10, maxRetryTime: 1_000 } });
  await admin.connect();
}, 120_000);
afterAll(async () => {
  await admin?.disconnect();
  await servers?.stop();
}, 60_000);

function config(topic: string) {
  return { brokers: servers.env['KAFKA_BROKER']!.split(','), topic, deadLetterTopic: `${topic}.dead-letters` };
}

const newTopic = (): string => `topic-${(topics += 1)}`;

async function settingsOf(topic: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  return Object.fromEntries(
    resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]),
  );
}

async function replicasOf(topic: string): Promise<number[]> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
  return metadata.topics[0]!.partitions.map(({ replicas }) => replicas.length);
}

test('on three brokers a topic has three replicas, of which two must have an event; run again, nothing differs', async () => {
  const topic = newTopic();
  const created = await ensureTopics(kafka, config(topic), AUTOMATIC);
  expect(created).toEqual(
    [topic, `${topic}.dead-letters`].map((name) => ({ topic: name, created: true, remarks: [], unusable: undefined })),
  );
  expect(await replicasOf(topic)).toEqual([3, 3, 3]);
  expect(await replicasOf(`${topic}.dead-letters`)).toEqual([3]);
  expect(await settingsOf(topic)).toMatchObject({ 'min.insync.replicas': '2', 'cleanup.policy': 'delete' });
  const again = await ensureTopics(kafka, config(topic), AUTOMATIC);
  expect(again.map(({ created: made, remarks }) => [made, remarks])).toEqual([
    [false, []],
    [false, []],
  ]);
}, 60_000);

test('what is asked for is what is made', async () => {
  const topic = newTopic();
  await ensureTopics(kafka, config(topic), { partitions: 2, replicationFactor: 2, minInsyncReplicas: 2 });
  expect(await replicasOf(topic)).toEqual([2, 2]);
  expect(await settingsOf(topic)).toMatchObject({ 'min.insync.replicas': '2' });
}, 60_000);

test('an existing topic is left as it is, and each difference is said with what to run', async () => {
  const topic = newTopic();
  const configEntries = [{ name: 'max.message.bytes', value: '2000' }];
  await admin.createTopics({
    topics: [{ topic, numPartitions: 1, replicationFactor: 1, configEntries }],
    waitForLeaders: true,
  });
  const weak = `${topic}.dead-letters`;
  await admin.createTopics({ topics: [{ topic: weak, numPartitions: 1, replicationFactor: 3 }], waitForLeaders: true });
  const [events, deadLetters] = await ensureTopics(kafka, config(topic), AUTOMATIC);
  expect(events).toMatchObject({
    created: false,
    remarks: [
      expect.stringMatching(/^1 partitions, 3 wanted.*kafka-topics\.sh .*--partitions 3$/),
      expect.stringMatching(/^1 replicas of a partition, 3 wanted.*kafka-reassign-partitions\.sh/),
      expect.stringMatching(/^max\.message\.bytes is 2000.*--add-config max\.message\.bytes=1048588$/),
    ],
    unusable: undefined,
  });
  expect(deadLetters!.remarks).toContainEqual(
    expect.stringMatching(/^min\.insync\.replicas is 1, 2 wanted: kafka-configs\.sh .*min\.insync\.replicas=2$/),
  );
  expect((await settingsOf(topic))['max.message.bytes']).toBe('2000');
}, 60_000);

test.each(['compact', 'compact,delete'])(
  'a topic whose cleanup policy is %s is refused',
  async (policy) => {
    const topic = newTopic();
    const configEntries = [{ name: 'cleanup.policy', value: policy }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries }], waitForLeaders: true });
    const [events] = await ensureTopics(kafka, config(topic), AUTOMATIC);
    expect(events!.unusable).toMatch(/^its cleanup\.policy is compact.*--add-config cleanup\.policy=delete$/);
  },
  60_000,
);
