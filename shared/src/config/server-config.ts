import type { EnvReader } from './env-reader.js';
import { boolean, configSubject, matchingText, optionalText, text, type ConfigOf } from './variable.js';
import { brokerList, serverHost, serverPort } from './address-variables.js';

/** The password of `.env.example`; fit for a laptop, refused in production. */
export const EXAMPLE_DATABASE_PASSWORD = 'ratings';

export const DATABASE = configSubject('PostgreSQL', {
  host: serverHost('DATABASE_HOST', {
    default: '127.0.0.1',
    portVariable: 'DATABASE_PORT',
    socketFolder: true,
    meaning: 'Host of PostgreSQL, version 15 or later.',
  }),
  port: serverPort('DATABASE_PORT', { default: 5432, meaning: 'Port of PostgreSQL.' }),
  user: text('DATABASE_USER', { default: 'ratings', meaning: 'Role to connect as.' }),
  password: text('DATABASE_PASSWORD', {
    default: EXAMPLE_DATABASE_PASSWORD,
    secret: true,
    meaning: 'Password of the role. Production refuses the default.',
  }),
  database: text('DATABASE_NAME', { aliases: ['DATABASE_DB'], default: 'ratings', meaning: 'Name of the database.' }),
  ssl: boolean('DATABASE_SSL', { default: false, meaning: 'Whether to connect with TLS.' }),
});

export type DatabaseConfig = ConfigOf<typeof DATABASE>;

export const REDIS = configSubject('Redis', {
  host: serverHost('REDIS_HOST', {
    default: '127.0.0.1',
    portVariable: 'REDIS_PORT',
    meaning: 'Host of Redis, whose `maxmemory-policy` must be `noeviction`.',
  }),
  port: serverPort('REDIS_PORT', { default: 6379, meaning: 'Port of Redis.' }),
  password: optionalText('REDIS_PASSWORD', { secret: true, meaning: 'Password of Redis.' }),
});

export type RedisConfig = ConfigOf<typeof REDIS>;

export const KAFKA = configSubject('Kafka', {
  brokers: brokerList('KAFKA_BROKERS', {
    aliases: ['KAFKA_BROKER'],
    default: ['127.0.0.1'],
    meaning: 'Brokers to connect to first. Those without a port get `KAFKA_PORT`.',
  }),
  port: serverPort('KAFKA_PORT', { default: 9092, meaning: 'Port of the brokers that are listed without one.' }),
  topic: matchingText('KAFKA_TOPIC', {
    default: 'review-events',
    pattern: /^[a-zA-Z0-9._-]{1,230}$/,
    accepts: 'at most 230 letters, digits, ".", "_" and "-"',
    meaning: 'Topic of the review events. Dead letters go to `<topic>.dead-letters`.',
  }),
});

export interface KafkaConfig {
  /** `host:port` of each bootstrap broker. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly deadLetterTopic: string;
}

export function readKafkaConfig(env: EnvReader): KafkaConfig {
  const { brokers, port, topic } = env.read(KAFKA);
  return {
    brokers: brokers.map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:${port}`)),
    topic,
    deadLetterTopic: `${topic}.dead-letters`,
  };
}

/** @param production whether the password of `.env.example` is refused */
export function readDatabaseConfig(env: EnvReader, production: boolean): DatabaseConfig {
  const database = env.read(DATABASE);
  if (production && database.password === EXAMPLE_DATABASE_PASSWORD) {
    env.problem('DATABASE_PASSWORD is not set, or is the published example: production needs one of its own');
  }
  return database;
}

export function readRedisConfig(env: EnvReader): RedisConfig {
  return env.read(REDIS);
}
