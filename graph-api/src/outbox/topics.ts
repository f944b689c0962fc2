import type { KafkaConfig } from '@exact-ratings/shared/config/server-config.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';

const SEVEN_DAYS_MS = 7 * 86_400_000;
const THIRTY_DAYS_MS = 30 * 86_400_000;

/** Kafka's default limit of a message, and room for the reason and the origin that a dead letter carries besides. */
const MAX_MESSAGE_BYTES = 1_048_588;
const MAX_DEAD_LETTER_BYTES = MAX_MESSAGE_BYTES + 64 * 1_024;

/** More replicas than this cost more than they protect, unless somebody asks for them. */
const DEFAULT_REPLICAS = 3;

/** How topics are to be; 0 leaves the choice to the size of the cluster. */
export interface TopicSettings {
  readonly partitions: number;
  /** 0: as many as there are brokers, three at most. */
  readonly replicationFactor: number;
  /** 0: one less than there are replicas, at least one. So a broker may be down, and what is acknowledged is on two. */
  readonly minInsyncReplicas: number;
}

export interface TopicResult {
  readonly topic: string;
  /** False where it was there already; an existing topic is left as it is. */
  readonly created: boolean;
  /** What differs from the settings, each with what to run. */
  readonly remarks: readonly string[];
  /** Why the topic cannot be used as it is, and what to run. */
  readonly unusable: string | undefined;
}

interface WantedTopic {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Creates the topic of review events and that of its dead letters, and compares those that are there already. */
export async function ensureTopics(kafka: Kafka, config: KafkaConfig, settings: TopicSettings): Promise<TopicResult[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { brokers } = await admin.describeCluster();
    const wanted = wantedTopics(config, settings, brokers.length);
    const existing = new Set(await admin.listTopics());
    const missing = wanted.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) {
      const topics = missing.map(({ config: entries, ...topic }) => ({ ...topic, configEntries: toEntries(entries) }));
      await admin.createTopics({ topics, waitForLeaders: true });
    }
    const results: TopicResult[] = [];
    for (const one of wanted) {
      const created = !existing.has(one.topic);
      results.push({ topic: one.topic, created, ...(created ? AS_WANTED : await compare(admin, one, config)) });
    }
    return results;
  } finally {
    await admin.disconnect();
  }
}

const AS_WANTED = { remarks: [], unusable: undefined };

function wantedTopics(config: KafkaConfig, settings: TopicSettings, brokers: number): WantedTopic[] {
  const replicationFactor = settings.replicationFactor || Math.max(1, Math.min(DEFAULT_REPLICAS, brokers));
  const insync = settings.minInsyncReplicas || Math.max(1, replicationFactor - 1);
  const topic = (name: string, numPartitions: number, retentionMs: number, maxBytes: number): WantedTopic => ({
    topic: name,
    numPartitions,
    replicationFactor,
    config: {
      'cleanup.policy': 'delete',
      'min.insync.replicas': String(insync),
      'retention.ms': String(retentionMs),
      'max.message.bytes': String(maxBytes),
    },
  });
  return [
    topic(config.topic, settings.partitions, SEVEN_DAYS_MS, MAX_MESSAGE_BYTES),
    topic(config.deadLetterTopic, 1, THIRTY_DAYS_MS, MAX_DEAD_LETTER_BYTES),
  ];
}

function toEntries(config: Readonly<Record<string, string>>): Array<{ name: string; value: string }> {
  return Object.entries(config).map(([name, value]) => ({ name, value }));
}

async function compare(
  admin: Admin,
  { topic, numPartitions, replicationFactor, config: wanted }: WantedTopic,
  { brokers }: KafkaConfig,
): Promise<Pick<TopicResult, 'remarks' | 'unusable'>> {
  const server = `--bootstrap-server ${brokers.join(',')}`;
  const alter = (setting: string): string =>
    `kafka-configs.sh ${server} --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${wanted[setting]!}`;
  const remarks: string[] = [];

  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]!.partitions;
  if (partitions.length < numPartitions) {
    remarks.push(
      `${partitions.length} partitions, ${numPartitions} wanted. More partitions move products to others, and their events around ` +
        `that moment may arrive out of order: kafka-topics.sh ${server} --alter --topic ${topic} --partitions ${numPartitions}`,
    );
  }
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  if (replicas < replicationFactor) {
    remarks.push(
      `${replicas} replicas of a partition, ${replicationFactor} wanted: acknowledged events are lost with ${replicas} ` +
        `${replicas === 1 ? 'broker' : 'brokers'}. Add some with kafka-reassign-partitions.sh ${server}`,
    );
  }

  let settings: ReadonlyMap<string, string>;
  try {
    settings = await readSettings(admin, topic, Object.keys(wanted));
  } catch (error) {
    return { remarks: [...remarks, `its settings cannot be read (${errorMessage(error)})`], unusable: undefined };
  }
  const policy = settings.get('cleanup.policy') ?? '';
  const insync = Number(settings.get('min.insync.replicas') ?? 0);
  // More than there are replicas would refuse every event.
  if (insync < Number(wanted['min.insync.replicas']) && replicas >= replicationFactor) {
    const wantedInsync = wanted['min.insync.replicas']!;
    remarks.push(`min.insync.replicas is ${insync}, ${wantedInsync} wanted: ${alter('min.insync.replicas')}`);
  }
  const maxBytes = Number(settings.get('max.message.bytes') ?? 0);
  if (maxBytes < Number(wanted['max.message.bytes'])) {
    remarks.push(`max.message.bytes is ${maxBytes}: batches will be smaller. ${alter('max.message.bytes')}`);
  }
  const unusable = policy.includes('compact')
    ? `its cleanup.policy is ${policy}: Kafka would remove all but the last event of each product. Run ${alter('cleanup.policy')}`
    : undefined;
  return { remarks, unusable };
}

async function readSettings(admin: Admin, topic: string, configNames: string[]): Promise<Map<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames }],
  });
  return new Map(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]));
}
