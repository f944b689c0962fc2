import { configSubject, integer, text, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

export const CONSUMER = configSubject('Kafka consumer', {
  groupId: text('KAFKA_GROUP_ID', { default: 'rating-worker', meaning: 'Consumer group of the workers.' }),
  minPartitionConcurrency: integer('KAFKA_MIN_PARTITION_CONCURRENCY', {
    default: 12,
    min: 1,
    max: 10_000,
    meaning:
      'Partitions that are worked on at once, at least. Where the topic has more when the worker starts, all of them; so this is room for partitions that are added later.',
  }),
  commitIntervalMs: integer('KAFKA_COMMIT_INTERVAL_MS', {
    default: 1_000,
    min: 10,
    max: 60_000,
    meaning: 'How often offsets are committed. What is delivered again is recognised as a duplicate.',
  }),
  sessionTimeoutMs: integer('KAFKA_SESSION_TIMEOUT_MS', {
    default: 10_000,
    min: 6_000,
    max: 300_000,
    meaning: 'A worker that has been silent for this long loses its partitions to the others.',
  }),
  fetchMaxWaitMs: integer('KAFKA_FETCH_MAX_WAIT_MS', {
    default: 1_000,
    min: 10,
    max: 2_000,
    meaning:
      'How long Kafka holds a fetch that finds nothing; it answers at once when something arrives. Longer is less work while nothing happens, and a stop or a rebalance that takes as much longer.',
  }),
  metadataMaxAgeMs: integer('KAFKA_METADATA_MAX_AGE_MS', {
    default: 15_000,
    min: 500,
    max: 600_000,
    meaning: "How often the topic's partitions are looked up, so that added ones are noticed.",
  }),
  stallTimeoutMs: integer('KAFKA_STALL_TIMEOUT_MS', {
    default: 60_000,
    min: 200,
    max: 3_600_000,
    meaning: 'A consumer that stands still for this long while Kafka answers ends the process.',
  }),
});

export type ConsumerConfig = ConfigOf<typeof CONSUMER>;
