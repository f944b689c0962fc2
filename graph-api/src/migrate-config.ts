import { EnvReader, type Environment } from '@exact-ratings/shared/config/env-reader.js';
import {
  DATABASE,
  KAFKA,
  readDatabaseConfig,
  readKafkaConfig,
  type DatabaseConfig,
  type KafkaConfig,
} from '@exact-ratings/shared/config/server-config.js';
import { MODE, readProduction } from '@exact-ratings/shared/config/service-config.js';
import { configSubject, integer } from '@exact-ratings/shared/config/variable.js';
import { TOPICS } from './outbox/outbox-config.js';
import type { TopicSettings } from './outbox/topics.js';

const MIGRATION = configSubject('Migration', {
  waitSeconds: integer('MIGRATE_WAIT_SECONDS', {
    default: 60,
    min: 1,
    max: 86_400,
    meaning: 'How long `npm run migrate` waits for PostgreSQL and Kafka together.',
  }),
});

/** Every variable of `npm run migrate`, by subject. */
export const MIGRATE_SUBJECTS = [MODE, DATABASE, KAFKA, TOPICS, MIGRATION];

export interface MigrateConfig {
  readonly database: DatabaseConfig;
  readonly kafka: KafkaConfig;
  readonly topics: TopicSettings;
  readonly waitSeconds: number;
}

/** @throws ConfigError naming every variable that is missing, malformed or unsafe. */
export function readMigrateConfig(environment: Environment): MigrateConfig {
  const env = new EnvReader(environment);
  return env.finish({
    database: readDatabaseConfig(env, readProduction(env)),
    kafka: readKafkaConfig(env),
    topics: readTopicSettings(env),
    ...env.read(MIGRATION),
  });
}

function readTopicSettings(env: EnvReader): TopicSettings {
  const settings = env.read(TOPICS);
  if (settings.replicationFactor > 0 && settings.minInsyncReplicas > settings.replicationFactor) {
    env.problem(
      'KAFKA_MIN_INSYNC_REPLICAS must not be more than KAFKA_REPLICATION_FACTOR: no event could be acknowledged',
    );
  }
  return settings;
}
