import type { EnvReader } from './env-reader.js';

export interface DatabaseConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: boolean;
}

export interface RedisConfig {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
}

export interface KafkaConfig {
  /** `host:port` of each bootstrap broker. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly deadLetterTopic: string;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The password of `.env.example`; fit for a laptop, refused in production. */
export const EXAMPLE_DATABASE_PASSWORD = 'ratings';

export function readDatabaseConfig(env: EnvReader): DatabaseConfig {
  return {
    host: env.string('DATABASE_HOST', '127.0.0.1'),
    port: env.port('DATABASE_PORT', 5432),
    user: env.string('DATABASE_USER', 'ratings'),
    password: env.string('DATABASE_PASSWORD', EXAMPLE_DATABASE_PASSWORD),
    database: env.string('DATABASE_DB', 'ratings'),
    ssl: env.boolean('DATABASE_SSL', false),
  };
}

export function readRedisConfig(env: EnvReader): RedisConfig {
  return {
    host: env.string('REDIS_HOST', '127.0.0.1'),
    port: env.port('REDIS_PORT', 6379),
    password: env.optional('REDIS_PASSWORD'),
  };
}

/** `KAFKA_BROKER` is one broker or a comma-separated list; a broker without a port gets `KAFKA_PORT`. */
export function readKafkaConfig(env: EnvReader): KafkaConfig {
  const port = env.port('KAFKA_PORT', 9092);
  const brokers = env
    .list('KAFKA_BROKER', ['127.0.0.1'])
    .map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:${port}`));
  const topic = env.string('KAFKA_TOPIC', 'review-events');
  if (!/^[a-zA-Z0-9._-]{1,230}$/.test(topic)) {
    env.problem(`KAFKA_TOPIC may hold letters, digits, ".", "_" and "-", at most 230 of them, not "${topic}"`);
  }
  return { brokers, topic, deadLetterTopic: `${topic}.dead-letters` };
}

export function readLogLevel(env: EnvReader): LogLevel {
  return env.oneOf('LOG_LEVEL', LOG_LEVELS, 'info');
}

/**
 * Whether the strict rules of production hold: `NODE_ENV=production`, unless `APP_ENV=local` says that this is
 * a production build tried on one's own machine (Compose).
 */
export function isProduction(env: EnvReader): boolean {
  const appEnv = env.oneOf('APP_ENV', ['local', 'production'], 'production');
  return env.optional('NODE_ENV') === 'production' && appEnv !== 'local';
}

/** Refuses what must not stand in production for either service. */
export function refuseExamplePassword(env: EnvReader, database: DatabaseConfig): void {
  if (database.password === EXAMPLE_DATABASE_PASSWORD) {
    env.problem('DATABASE_PASSWORD is not set, or is the published example: production needs one of its own');
  }
}
