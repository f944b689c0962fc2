import type { KafkaConfig } from '@exact-ratings/shared/config/server-config.js';
import type { Kafka } from 'kafkajs';

const SEVEN_DAYS_MS = 7 * 86_400_000;
const THIRTY_DAYS_MS = 30 * 86_400_000;

/** Kafka's default limit of a message, and room for the reason and the origin that a dead letter carries besides. */
const MAX_MESSAGE_BYTES = 1_048_588;
const MAX_DEAD_LETTER_BYTES = MAX_MESSAGE_BYTES + 64 * 1_024;

export interface TopicResult {
  readonly topic: string;
  /** False where it was there already; an existing topic is left as it is. */
  readonly created: boolean;
}

/** Creates the topic of review events and that of its dead letters. */
export async function createTopics(
  kafka: Kafka,
  config: KafkaConfig,
  partitions: number,
  replicationFactor: number,
): Promise<TopicResult[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const wanted = [
      {
        topic: config.topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: [
          { name: 'retention.ms', value: String(SEVEN_DAYS_MS) },
          { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) },
        ],
      },
      {
        topic: config.deadLetterTopic,
        numPartitions: 1,
        replicationFactor,
        configEntries: [
          { name: 'retention.ms', value: String(THIRTY_DAYS_MS) },
          { name: 'max.message.bytes', value: String(MAX_DEAD_LETTER_BYTES) },
        ],
      },
    ];
    const missing = wanted.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: true });
    return wanted.map(({ topic }) => ({ topic, created: !existing.has(topic) }));
  } finally {
    await admin.disconnect();
  }
}
