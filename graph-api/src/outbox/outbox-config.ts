import { configSubject, integer, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

export const OUTBOX = configSubject('Outbox relay', {
  batchSize: integer('OUTBOX_BATCH_SIZE', {
    default: 500,
    min: 1,
    max: 2_000,
    meaning:
      'Most outbox rows that are sent to Kafka in one batch; some 400 bytes each, and Kafka takes 1 MB of a partition at once.',
  }),
  pollIntervalMs: integer('OUTBOX_POLL_INTERVAL_MS', {
    default: 1_000,
    min: 10,
    max: 60_000,
    meaning: 'How often an idle relay looks for rows that another, killed process left.',
  }),
});

export type OutboxConfig = ConfigOf<typeof OUTBOX>;

export const TOPICS = configSubject('Migration', {
  partitions: integer('KAFKA_TOPIC_PARTITIONS', {
    default: 12,
    min: 1,
    max: 1_000,
    meaning: 'Partitions of the topic of review events where `npm run migrate` creates it.',
  }),
  replicationFactor: integer('KAFKA_REPLICATION_FACTOR', {
    default: 0,
    min: 0,
    max: 15,
    meaning:
      'Replicas of the topics where `npm run migrate` creates them; 0: as many as there are brokers, three at most.',
  }),
  minInsyncReplicas: integer('KAFKA_MIN_INSYNC_REPLICAS', {
    default: 0,
    min: 0,
    max: 15,
    meaning:
      'Replicas that must have an event before it is acknowledged, for topics that `npm run migrate` creates; 0: one less than there are replicas, at least one.',
  }),
});
