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
import { readAuthConfig, type AuthConfig } from './auth/auth-config.js';
import { APOLLO_SANDBOX_ORIGIN } from './explorer/explorer-page.js';

export interface QueryLimits {
  readonly maxDepth: number;
  readonly maxAliases: number;
  readonly maxTokens: number;
  readonly maxDirectives: number;
  /** Fields once all fragments are put in their places. */
  readonly maxSelections: number;
  /** Objects that the answer could hold, by the sizes of its pages. */
  readonly maxNodes: number;
  readonly maxBodyBytes: number;
}

export interface RelayConfig {
  /** Outbox rows sent to Kafka in one turn; some 400 bytes each, and Kafka takes 1 MB of a partition at once. */
  readonly batchSize: number;
  /** How often an idle relay looks for rows that another, killed process left. */
  readonly pollIntervalMs: number;
}

export interface GraphApiConfig {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly database: DatabaseConfig;
  readonly databasePoolSize: number;
  readonly redis: RedisConfig;
  /** A Redis read that takes longer is answered by SQL. */
  readonly redisCommandTimeoutMs: number;
  readonly ratingTtlSeconds: number;
  readonly kafka: KafkaConfig;
  readonly relay: RelayConfig;
  readonly auth: AuthConfig;
  readonly limits: QueryLimits;
  readonly introspection: boolean;
  /** Origins of browser applications that may call the API. */
  readonly corsOrigins: readonly string[];
  readonly docs: { readonly active: boolean; readonly path: string };
}

/** @throws ConfigError naming every variable that is missing, malformed or unsafe. */
export function readGraphApiConfig(environment: Environment): GraphApiConfig {
  const env = new EnvReader(environment);
  const production = isProduction(env);
  const database = readDatabaseConfig(env);
  const auth = readAuthConfig(env, production);
  if (production) refuseExamplePassword(env, database);
  const docsPath = env.string('API_DOCS_PATH', 'api').replace(/^\/+|\/+$/g, '');
  if (!/^[a-zA-Z0-9_-]+(\/[a-zA-Z0-9_-]+)*$/.test(docsPath) || ['graphql', 'health', 'ready'].includes(docsPath)) {
    env.problem(`API_DOCS_PATH must be a path of its own, such as "api", not "${docsPath}"`);
  }
  const docsActive = env.boolean('API_DOCS_ACTIVE', false);

  return env.finish({
    production,
    host: env.string('HOST', '127.0.0.1'),
    port: env.port('PRODUCT_SERVICE_PORT', 3000),
    logLevel: readLogLevel(env),
    database,
    databasePoolSize: env.integer('DATABASE_POOL_SIZE', { default: 10, min: 1, max: 500 }),
    redis: readRedisConfig(env),
    redisCommandTimeoutMs: env.integer('REDIS_COMMAND_TIMEOUT_MS', { default: 100, min: 1, max: 60_000 }),
    ratingTtlSeconds: env.integer('RATING_TTL_SECONDS', { default: 0, max: 10 * 365 * 86_400 }),
    kafka: readKafkaConfig(env),
    relay: {
      batchSize: env.integer('OUTBOX_BATCH_SIZE', { default: 500, min: 1, max: 2_000 }),
      pollIntervalMs: env.integer('OUTBOX_POLL_INTERVAL_MS', { default: 1_000, min: 10, max: 60_000 }),
    },
    auth,
    limits: {
      maxDepth: env.integer('GRAPHQL_MAX_DEPTH', { default: 12, min: 1 }),
      maxAliases: env.integer('GRAPHQL_MAX_ALIASES', { default: 30, min: 0 }),
      maxTokens: env.integer('GRAPHQL_MAX_TOKENS', { default: 2_000, min: 10 }),
      maxDirectives: env.integer('GRAPHQL_MAX_DIRECTIVES', { default: 50, min: 0 }),
      maxSelections: env.integer('GRAPHQL_MAX_SELECTIONS', { default: 2_000, min: 10 }),
      maxNodes: env.integer('GRAPHQL_MAX_NODES', { default: 20_000, min: 100 }),
      maxBodyBytes: env.integer('GRAPHQL_MAX_BODY_BYTES', { default: 256 * 1024, min: 1_024 }),
    },
    introspection: env.boolean('GRAPHQL_INTROSPECTION', !production || docsActive),
    corsOrigins: [...env.list('CORS_ORIGINS', []), ...(docsActive ? [APOLLO_SANDBOX_ORIGIN] : [])],
    docs: { active: docsActive, path: docsPath },
  });
}
