import { EnvReader, type Environment } from '@exact-ratings/shared/config/env-reader.js';
import {
  isProduction,
  readDatabaseConfig,
  readKafkaConfig,
  readLogLevel,
  readRedisConfig,
  refuseExamplePassword,
  type DatabaseConfig,
  type KafkaConfig,
  type LogLevel,
  type RedisConfig,
} from '@exact-ratings/shared/config/server-config.js';

interface ConsumerConfig {
  readonly groupId: string;
  /** How many partitions are worked on at once; the topic's real number is taken where it is higher. */
  readonly partitions: number;
  /** Offsets are committed this often, not per batch: what is delivered again is "seen". */
  readonly commitIntervalMs: number;
  /** A worker that has been silent for this long loses its partitions to the others. */
  readonly sessionTimeoutMs: number;
  /** How often the topic's partitions are looked up, so that added ones are noticed. */
  readonly metadataMaxAgeMs: number;
  /** A consumer that stands still for this long while Kafka answers ends the process. */
  readonly stallMs: number;
}

export interface JobConfig {
  readonly queueName: string;
  /** Prefix of BullMQ's Redis keys. */
  readonly prefix: string;
  /** Jobs worked on at once by this process. */
  readonly concurrency: number;
  /** Events in one job: the script that applies them stays under 2 ms. */
  readonly maxEvents: number;
  readonly attempts: number;
  /** Waiting time before the second attempt; doubles with each further one. */
  readonly backoffMs: number;
  /** After this time without news of a job, its state is looked up. */
  readonly waitMs: number;
  /** Rebuilds put off while PostgreSQL is down; beyond this number the jobs themselves wait. */
  readonly maxDeferredRebuilds: number;
}

export interface ReconcilerConfig {
  readonly enabled: boolean;
  /** From the end of one pass over all products' numbers to the start of the next. */
  readonly seqIntervalMs: number;
  /** The same for the pass that compares the counts too. */
  readonly contentIntervalMs: number;
  /** The same for the pass that looks for keys of products that SQL lacks. */
  readonly reverseIntervalMs: number;
  /** How often the products consumed lately are looked at. */
  readonly recentIntervalMs: number;
  /** How long a product counts as consumed lately. */
  readonly recentWindowMs: number;
  /** What is behind and has not moved after this time is rebuilt. */
  readonly graceMs: number;
  /** How often the heartbeat in Redis is counted up, which tells that Redis lost data. */
  readonly heartbeatMs: number;
  /** After a holder's death another process takes over within this time. */
  readonly leaseMs: number;
  /** Products in one page: one MGET, one statement. */
  readonly pageSize: number;
  /** From the start of one page to the start of the next, at least. */
  readonly pageIntervalMs: number;
  readonly rebuildsPerSecond: number;
}

export interface RatingWorkerConfig {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly database: DatabaseConfig;
  readonly databasePoolSize: number;
  readonly redis: RedisConfig;
  readonly ratingTtlSeconds: number;
  readonly kafka: KafkaConfig;
  readonly consumer: ConsumerConfig;
  readonly jobs: JobConfig;
  readonly reconciler: ReconcilerConfig;
  /** A stop that finds its servers down does not wait for them longer than this. */
  readonly stopTimeoutMs: number;
}

/** @throws ConfigError naming every variable that is missing, malformed or unsafe. */
export function readRatingWorkerConfig(environment: Environment): RatingWorkerConfig {
  const env = new EnvReader(environment);
  const database = readDatabaseConfig(env);
  if (isProduction(env)) refuseExamplePassword(env, database);

  return env.finish({
    host: env.string('HOST', '127.0.0.1'),
    port: env.port('REVIEW_PROCESSING_SERVICE_PORT', 3001),
    logLevel: readLogLevel(env),
    database,
    databasePoolSize: env.integer('DATABASE_POOL_SIZE', { default: 4, min: 1, max: 100 }),
    redis: readRedisConfig(env),
    ratingTtlSeconds: env.integer('RATING_TTL_SECONDS', { default: 0, max: 10 * 365 * 86_400 }),
    kafka: readKafkaConfig(env),
    consumer: {
      groupId: env.string('KAFKA_GROUP_ID', 'rating-worker'),
      partitions: env.integer('KAFKA_TOPIC_PARTITIONS', { default: 12, min: 1, max: 10_000 }),
      commitIntervalMs: env.integer('KAFKA_COMMIT_INTERVAL_MS', { default: 1_000, min: 10, max: 60_000 }),
      sessionTimeoutMs: env.integer('KAFKA_SESSION_TIMEOUT_MS', { default: 10_000, min: 6_000, max: 300_000 }),
      metadataMaxAgeMs: env.integer('KAFKA_METADATA_MAX_AGE_MS', { default: 15_000, min: 500, max: 600_000 }),
      stallMs: env.integer('KAFKA_STALL_MS', { default: 60_000, min: 200, max: 3_600_000 }),
    },
    jobs: {
      queueName: readName(env, 'RATING_QUEUE_NAME', 'ratings'),
      prefix: readName(env, 'RATING_QUEUE_PREFIX', 'bull'),
      concurrency: env.integer('RATING_JOB_CONCURRENCY', { default: 8, min: 1, max: 500 }),
      maxEvents: env.integer('RATING_JOB_MAX_EVENTS', { default: 200, min: 1, max: 1_000 }),
      attempts: env.integer('RATING_JOB_ATTEMPTS', { default: 8, min: 1, max: 1_000 }),
      backoffMs: env.integer('RATING_JOB_BACKOFF_MS', { default: 100, min: 1, max: 60_000 }),
      waitMs: env.integer('RATING_JOB_WAIT_MS', { default: 3_000, min: 50, max: 600_000 }),
      maxDeferredRebuilds: env.integer('RATING_MAX_DEFERRED_REBUILDS', { default: 1_000, min: 1, max: 1_000_000 }),
    },
    reconciler: readReconcilerConfig(env),
    stopTimeoutMs: env.integer('STOP_TIMEOUT_MS', { default: 4_000, min: 100, max: 20_000 }),
  });
}

function readReconcilerConfig(env: EnvReader): ReconcilerConfig {
  const milliseconds = (name: string, byDefault: number, min: number): number =>
    env.integer(`RECONCILER_${name}_MS`, { default: byDefault, min, max: 7 * 86_400_000 });
  return {
    enabled: env.boolean('RECONCILER_ENABLED', true),
    seqIntervalMs: milliseconds('SEQ_INTERVAL', 60_000, 100),
    contentIntervalMs: milliseconds('CONTENT_INTERVAL', 300_000, 100),
    reverseIntervalMs: milliseconds('REVERSE_INTERVAL', 600_000, 100),
    recentIntervalMs: milliseconds('RECENT_INTERVAL', 5_000, 100),
    recentWindowMs: milliseconds('RECENT_WINDOW', 60_000, 1_000),
    graceMs: milliseconds('GRACE', 5_000, 0),
    heartbeatMs: milliseconds('HEARTBEAT', 1_000, 50),
    leaseMs: milliseconds('LEASE', 10_000, 500),
    pageSize: env.integer('RECONCILER_PAGE_SIZE', { default: 1_000, min: 5, max: 5_000 }),
    pageIntervalMs: milliseconds('PAGE_INTERVAL', 50, 0),
    rebuildsPerSecond: env.integer('RECONCILER_REBUILDS_PER_SECOND', { default: 1_000, min: 1, max: 1_000_000 }),
  };
}

function readName(env: EnvReader, name: string, fallback: string): string {
  const value = env.string(name, fallback);
  if (!/^[a-zA-Z0-9._-]+$/.test(value)) {
    env.problem(`${name} may hold letters, digits, ".", "_" and "-", not "${value}"`);
  }
  return value;
}
