import { EnvReader, type Environment } from '@exact-ratings/shared/config/env-reader.js';
import {
  DATABASE,
  KAFKA,
  readDatabaseConfig,
  readKafkaConfig,
  readRedisConfig,
  REDIS,
  type DatabaseConfig,
  type KafkaConfig,
  type RedisConfig,
} from '@exact-ratings/shared/config/server-config.js';
import { MODE, readProduction, SERVICE, type LogLevel } from '@exact-ratings/shared/config/service-config.js';
import { listeningPort } from '@exact-ratings/shared/config/address-variables.js';
import { configSubject, integer, type ConfigOf } from '@exact-ratings/shared/config/variable.js';
import { RATING_PRIOR, type RatingPrior } from '@exact-ratings/shared/rating/rating-prior-config.js';
import { RATING_STORE } from '@exact-ratings/shared/rating/rating-store-config.js';
import { CONSUMER, type ConsumerConfig } from './consumer/consumer-config.js';
import { SCANS, type ScanConfig } from './drift/scan-config.js';
import { PERSISTENCE, type PersistenceConfig } from './persistence/persistence-config.js';
import { QUEUE, type JobConfig } from './queue/queue-config.js';
import { RECONCILER, type ReconcilerConfig } from './reconciler/reconciler-config.js';

const WORKER = configSubject('rating-worker', {
  port: listeningPort('RATING_WORKER_PORT', {
    aliases: ['REVIEW_PROCESSING_SERVICE_PORT'],
    default: 3001,
    meaning: 'Port of `/health`, `/ready` and `/metrics`; 0 takes a free one.',
  }),
  stopTimeoutMs: integer('STOP_TIMEOUT_MS', {
    default: 4_000,
    min: 100,
    max: 20_000,
    meaning: 'A stop that finds its servers down waits for them no longer than this.',
  }),
});

const DATABASE_POOL = configSubject('PostgreSQL', {
  size: integer('DATABASE_POOL_SIZE', {
    default: 4,
    min: 1,
    max: 100,
    meaning: 'Most connections of one rating-worker process.',
  }),
  statementTimeoutMs: integer('DATABASE_STATEMENT_TIMEOUT_MS', {
    default: 8_000,
    min: 10,
    max: 600_000,
    meaning:
      'Time limit of one statement of rating-worker. It counts some 100,000 reviews in 70 ms, a product that takes longer is set aside.',
  }),
});

/** Every variable of rating-worker, by subject. */
export const RATING_WORKER_SUBJECTS = [
  ...[SERVICE, MODE, DATABASE, DATABASE_POOL, REDIS, RATING_STORE, KAFKA],
  ...[WORKER, CONSUMER, QUEUE, RECONCILER, SCANS, RATING_PRIOR, PERSISTENCE],
];

export interface RatingWorkerConfig {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly database: DatabaseConfig;
  readonly databasePool: ConfigOf<typeof DATABASE_POOL>;
  readonly redis: RedisConfig;
  readonly ratingTtlSeconds: number;
  readonly kafka: KafkaConfig;
  readonly consumer: ConsumerConfig;
  readonly jobs: JobConfig;
  readonly reconciler: ReconcilerConfig & ScanConfig;
  readonly ratingPrior: RatingPrior;
  readonly persistence: PersistenceConfig;
  /** A stop that finds its servers down does not wait for them longer than this. */
  readonly stopTimeoutMs: number;
}

/** @throws ConfigError naming every variable that is missing, malformed or unsafe. */
export function readRatingWorkerConfig(environment: Environment): RatingWorkerConfig {
  const env = new EnvReader(environment);
  return env.finish({
    ...env.read(SERVICE),
    ...env.read(WORKER),
    database: readDatabaseConfig(env, readProduction(env)),
    databasePool: env.read(DATABASE_POOL),
    redis: readRedisConfig(env),
    ratingTtlSeconds: env.read(RATING_STORE).ttlSeconds,
    kafka: readKafkaConfig(env),
    consumer: env.read(CONSUMER),
    jobs: env.read(QUEUE),
    ratingPrior: env.read(RATING_PRIOR),
    persistence: env.read(PERSISTENCE),
    reconciler: { ...env.read(RECONCILER), ...env.read(SCANS) },
  });
}
