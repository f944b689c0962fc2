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

export interface AuthConfig {
  /** HS256 key, at least 32 bytes. */
  readonly secret: string;
  /** Required `iss`, where set. */
  readonly issuer: string | undefined;
  /** Required `aud`, where set. */
  readonly audience: string | undefined;
  /** The claim that lists the caller's roles. */
  readonly rolesClaim: string;
  /** The role that makes an admin. */
  readonly adminRole: string;
}

export interface QueryLimits {
  readonly maxDepth: number;
  readonly maxAliases: number;
  readonly maxTokens: number;
  readonly maxDirectives: number;
  readonly maxBodyBytes: number;
}

export interface RelayConfig {
  /** Outbox rows sent to Kafka in one turn. */
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

/** The secret of `.env.example`; accepted with a warning on one's own machine, refused in production. */
export const EXAMPLE_JWT_SECRET = 'example-secret-for-your-own-machine-only';

const SECRET_HINT = 'a secret of at least 32 bytes, for example from `openssl rand -base64 48`';

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
      batchSize: env.integer('OUTBOX_BATCH_SIZE', { default: 500, min: 1, max: 5_000 }),
      pollIntervalMs: env.integer('OUTBOX_POLL_INTERVAL_MS', { default: 1_000, min: 10, max: 60_000 }),
    },
    auth,
    limits: {
      maxDepth: env.integer('GRAPHQL_MAX_DEPTH', { default: 12, min: 1 }),
      maxAliases: env.integer('GRAPHQL_MAX_ALIASES', { default: 30, min: 0 }),
      maxTokens: env.integer('GRAPHQL_MAX_TOKENS', { default: 2_000, min: 10 }),
      maxDirectives: env.integer('GRAPHQL_MAX_DIRECTIVES', { default: 50, min: 0 }),
      maxBodyBytes: env.integer('GRAPHQL_MAX_BODY_BYTES', { default: 256 * 1024, min: 1_024 }),
    },
    introspection: env.boolean('GRAPHQL_INTROSPECTION', !production || docsActive),
    corsOrigins: env.list('CORS_ORIGINS', []),
    docs: { active: docsActive, path: docsPath },
  });
}

function readAuthConfig(env: EnvReader, production: boolean): AuthConfig {
  const secret = env.required('JWT_SECRET', SECRET_HINT);
  const issuer = env.optional('JWT_ISSUER');
  const audience = env.optional('JWT_AUDIENCE');
  if (secret !== '' && Buffer.byteLength(secret) < 32) {
    env.problem(`JWT_SECRET is too short for HS256: use ${SECRET_HINT}`);
  }
  if (production) {
    if (secret === EXAMPLE_JWT_SECRET) env.problem(`JWT_SECRET is the published example: use ${SECRET_HINT}`);
    if (issuer === undefined) env.problem('JWT_ISSUER is not set: production accepts tokens of one issuer only');
    if (audience === undefined) env.problem('JWT_AUDIENCE is not set: production accepts tokens made for it only');
  }
  return {
    secret,
    issuer,
    audience,
    rolesClaim: env.string('JWT_ROLES_CLAIM', 'roles'),
    adminRole: env.string('JWT_ADMIN_ROLE', 'admin'),
  };
}
