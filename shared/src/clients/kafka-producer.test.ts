import type { Kafka, Producer } from 'kafkajs';
import { createRequire } from 'node:module';
import { createLogger } from '../runtime/logger.js';
import { createKafkaClient } from './kafka-client.js';
import { createKafkaProducer } from './kafka-producer.js';

const TOPIC = 'review-events';
const NOT_LEADER = 6;

const require = createRequire(import.meta.url);
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error;
};

interface PartitionMetadata {
  partitionId: number;
  leader: number;
}
interface TopicData {
  partitions: Array<{ partition: number; messages: Array<{ value: string }> }>;
}

/**
 * Two brokers, of which the first leads partition 0 and the second partition 1. With its first request the second one has
 * lost its partition to the first, as when a cluster is restarted broker by broker.
 */
class FakeCluster {
  readonly retry = {};
  readonly targetTopics = new Set([TOPIC]);
  readonly stored: Record<number, string[]> = { 0: [], 1: [] };
  private leaders = [1, 2];
  private known = this.metadata();
  private readonly brokers = [1, 2].map((nodeId) => ({
    nodeId,
    produce: async ({ topicData }: { topicData: TopicData[] }) => this.produce(nodeId, topicData),
  }));

  connect = async (): Promise<void> => undefined;
  disconnect = async (): Promise<void> => undefined;
  isConnected = (): boolean => true;
  refreshMetadataIfNecessary = async (): Promise<void> => undefined;
  refreshMetadata = async (): Promise<void> => void (this.known = this.metadata());
  addMultipleTargetTopics = async (): Promise<void> => undefined;
  findTopicPartitionMetadata = (): PartitionMetadata[] => this.known;
  findBroker = async ({ nodeId }: { nodeId: string }): Promise<unknown> => this.brokers[Number(nodeId) - 1];
  findLeaderForPartitions = (_topic: string, partitions: string[]): Record<number, number[]> => {
    const byLeader: Record<number, number[]> = {};
    for (const id of partitions.map(Number)) (byLeader[this.known[id]!.leader] ??= []).push(id);
    return byLeader;
  };

  private metadata(): PartitionMetadata[] {
    return this.leaders.map((leader, partitionId) => ({ partitionId, leader }));
  }

  private produce(nodeId: number, topicData: TopicData[]): unknown {
    const partitions = topicData.flatMap((topic) => topic.partitions);
    if (nodeId === 2) this.leaders = [1, 1];
    if (partitions.some(({ partition }) => this.leaders[partition] !== nodeId)) throw createErrorFromCode(NOT_LEADER);
    for (const { partition, messages } of partitions)
      this.stored[partition]!.push(...messages.map(({ value }) => value));
    const acknowledged = partitions.map(({ partition }) => ({ partition, errorCode: 0, offset: '0' }));
    return { topics: [{ topicName: TOPIC, partitions: acknowledged }] };
  }
}

/** The producer that our code makes, on a cluster of the test's own. */
function producerOn(cluster: FakeCluster, create: (kafka: Kafka) => Producer): Producer {
  const config = { brokers: ['127.0.0.1:1'], topic: TOPIC, deadLetterTopic: `${TOPIC}.dead-letters` };
  const kafka = createKafkaClient(config, 'test', createLogger('test', 'silent'));
  const createCluster = Object.getOwnPropertySymbols(kafka).find(({ description = '' }) =>
    description.endsWith('createCluster'),
  );
  Object.defineProperty(kafka, createCluster!, { value: () => cluster });
  return create(kafka);
}

const BOTH = {
  topic: TOPIC,
  messages: [
    { value: 'of product X', partition: 0 },
    { value: 'of product Y', partition: 1 },
  ],
};

test('a send of which one broker took nothing rejects, and sent again everything arrives', async () => {
  const cluster = new FakeCluster();
  const producer = producerOn(cluster, createKafkaProducer);
  await producer.connect();
  await expect(producer.send(BOTH)).rejects.toThrow();
  await producer.send(BOTH);
  expect(new Set(cluster.stored[0])).toEqual(new Set(['of product X']));
  expect(cluster.stored[1]).toEqual(['of product Y']);
});

test('with its own retries kafkajs resolves such a send without having sent it: the reason for the rule above', async () => {
  const cluster = new FakeCluster();
  const producer = producerOn(cluster, (kafka) => kafka.producer({ retry: { retries: 2, initialRetryTime: 1 } }));
  await producer.connect();
  await producer.send(BOTH);
  expect(cluster.stored).toEqual({ 0: ['of product X'], 1: [] });
});
