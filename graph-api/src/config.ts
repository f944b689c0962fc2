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
import type { ConfigOf } from '@exact-ratings/shared/config/variable.js';
import { MODE, readProduction, SERVICE, type LogLevel } from '@exact-ratings/shared/config/service-config.js';
import { RATING_PRIOR, type RatingPrior } from '@exact-ratings/shared/rating/rating-prior-config.js';
import { RATING_STORE } from '@exact-ratings/shared/rating/rating-store-config.js';
import { AUTH, readAuthConfig, type AuthConfig } from './auth/auth-config.js';
import { DATABASE_POOL } from './database/database-config.js';
import { IDEMPOTENCY } from './database/idempotency-config.js';
import { EXPLORER, readExplorerConfig, type ExplorerConfig } from './explorer/explorer-config.js';
import { APOLLO_SANDBOX_ORIGIN } from './explorer/explorer-page.js';
import { OUTBOX, type OutboxConfig } from './outbox/outbox-config.js';
import { RATING_CACHE } from './ratings/ratings-config.js';
import { REVIEWS } from './reviews/reviews-config.js';
import { LIMITS, type Limits } from './server/limits/limits-config.js';
import { RATE_LIMITS, readRateLimitsConfig, type RateLimitsConfig } from './server/rate-limits/rate-limits-config.js';
import { SERVER } from './server/server-config.js';
import {
  readTrustedDocumentsConfig,
  TRUSTED_DOCUMENTS,
  type TrustedDocumentsConfig,
} from './server/trusted-documents/trusted-documents-config.js';

const PRODUCTION_DRAIN_MS = 5_000;

/** Every variable of graph-api, by subject. */
export const GRAPH_API_SUBJECTS = [
  ...[SERVICE, MODE, DATABASE, DATABASE_POOL, REDIS, RATING_STORE, RATING_CACHE, KAFKA, OUTBOX, REVIEWS],
  ...[IDEMPOTENCY, SERVER, AUTH, EXPLORER, LIMITS, RATE_LIMITS, TRUSTED_DOCUMENTS, RATING_PRIOR],
];

export interface GraphApiConfig {
  /** Whether the strict rules of production hold. */
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly database: DatabaseConfig;
  readonly databasePool: ConfigOf<typeof DATABASE_POOL>;
  readonly redis: RedisConfig;
  /** A Redis read that takes longer is answered by PostgreSQL. */
  readonly redisCommandTimeoutMs: number;
  /** How long a caller's own writes are remembered. */
  readonly ownWritesMs: number;
  readonly ratingTtlSeconds: number;
  readonly ratingPrior: RatingPrior;
  /** Whether new and changed reviews wait for a moderator's decision. */
  readonly moderated: boolean;
  /** How long idempotency keys are kept. */
  readonly idempotencyTtlSeconds: number;
  readonly kafka: KafkaConfig;
  readonly outbox: OutboxConfig;
  readonly auth: AuthConfig;
  readonly limits: Limits;
  readonly rateLimits: RateLimitsConfig;
  readonly trustedDocuments: TrustedDocumentsConfig;
  readonly introspection: boolean;
  /** How often a query comes before it is compiled; 0 never. */
  readonly compileAfter: number;
  readonly keepAliveTimeoutMs: number;
  /** How long a stopping process goes on accepting requests. */
  readonly drainMs: number;
  readonly accessLog: boolean;
  /** Origins of browser applications that may call the API. */
  readonly corsOrigins: readonly string[];
  readonly explorer: ExplorerConfig;
}

/** @throws ConfigError naming every variable that is missing, malformed or unsafe. */
export function readGraphApiConfig(environment: Environment): GraphApiConfig {
  const env = new EnvReader(environment);
  const production = readProduction(env);
  const { host, logLevel } = env.read(SERVICE);
  const { port, corsOrigins, introspection, drainMs, keepAliveTimeoutMs, accessLog, compileAfter } = env.read(SERVER);
  const { commandTimeoutMs: redisCommandTimeoutMs, ownWritesSeconds } = env.read(RATING_CACHE);
  const explorer = readExplorerConfig(env);
  const limits = env.read(LIMITS);

  return env.finish({
    production,
    host,
    port,
    logLevel,
    database: readDatabaseConfig(env, production),
    databasePool: env.read(DATABASE_POOL),
    redis: readRedisConfig(env),
    redisCommandTimeoutMs,
    ownWritesMs: ownWritesSeconds * 1_000,
    ratingTtlSeconds: env.read(RATING_STORE).ttlSeconds,
    ratingPrior: env.read(RATING_PRIOR),
    moderated: env.read(REVIEWS).moderation === 'on',
    idempotencyTtlSeconds: env.read(IDEMPOTENCY).ttlSeconds,
    kafka: readKafkaConfig(env),
    outbox: env.read(OUTBOX),
    auth: readAuthConfig(env, production),
    limits,
    rateLimits: readRateLimitsConfig(env, limits.maxCost),
    trustedDocuments: readTrustedDocumentsConfig(env, explorer.active),
    keepAliveTimeoutMs,
    drainMs: drainMs ?? (production ? PRODUCTION_DRAIN_MS : 0),
    accessLog,
    compileAfter,
    introspection: introspection ?? (!production || explorer.active),
    corsOrigins: [...corsOrigins, ...(explorer.active ? [APOLLO_SANDBOX_ORIGIN] : [])],
    explorer,
  });
}
