import { createRatingsClient, type RatingsClient } from '@exact-ratings/client';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Progress } from '@exact-ratings/stack/progress.js';
import { startPgBouncer, type PgBouncer } from '@exact-ratings/stack/servers/pgbouncer.js';
import type { PgBouncerProgram } from '@exact-ratings/stack/servers/programs/pgbouncer.js';
import { startStack, type Stack } from '@exact-ratings/stack/stack.js';
import { startSystem, type System } from '@exact-ratings/stack/system.js';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { FaultProxy } from './fault-proxy.js';

export interface TestbedOptions {
  /** Names its folders in `.stack`; two testbeds of one name do not run at once. */
  readonly name: string;
  readonly apis?: number;
  readonly workers?: number;
  /** Settings of the services. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly redisSettings?: Readonly<Record<string, string>>;
  /** How many brokers Kafka has; one by default. */
  readonly kafkaBrokers?: 1 | 3;
  /** Puts a proxy between the services and Redis. */
  readonly redisProxy?: boolean;
  /** Puts a PgBouncer between the services and PostgreSQL. */
  readonly pgBouncer?: { readonly program: PgBouncerProgram; readonly settings: Readonly<Record<string, string>> };
  readonly onProgress?: Progress;
}

/** The whole product on servers of its own, and direct ways into each server for whoever makes faults and checks. */
export interface Testbed {
  readonly servers: Stack;
  readonly system: System;
  /** Connects other processes to the servers directly, past the proxy. */
  readonly env: Readonly<Record<string, string>>;
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly store: RatingStore;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly redisProxy: FaultProxy | undefined;
  /** The SDK as one person uses it, at the API of that index. */
  client(person: Person, api?: number): Promise<RatingsClient>;
  /** The SDK at any address. */
  clientAt(url: string, person: Person, timeoutMs?: number): Promise<RatingsClient>;
  /** Stops the services, then the servers; calling it again changes nothing. */
  close(): Promise<void>;
}

export interface Person {
  readonly subject: string;
  readonly admin?: boolean;
}

export const ROOT: Person = { subject: 'root', admin: true };
export const CONSUMER_GROUP = 'rating-worker';

/**
 * Starts servers of its own, and the services on them as a second stack that knows the servers by their addresses
 * only, so that a proxy can stand in between.
 */
export async function startTestbed(options: TestbedOptions): Promise<Testbed> {
  const { name, apis = 1, workers = 1, variables = {}, redisSettings = {}, kafkaBrokers = 1, onProgress } = options;
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  const progress = onProgress === undefined ? {} : { onProgress };
  const servers = await startStack({
    name,
    fresh: true,
    removeOnStop: true,
    durable: false,
    redisSettings: { ...redisSettings },
    kafkaBrokers,
    ...progress,
  });
  let redisProxy: FaultProxy | undefined;
  let pgBouncer: PgBouncer | undefined;
  let system: System;
  try {
    if (options.pgBouncer !== undefined) {
      pgBouncer = await startPgBouncer(servers, options.pgBouncer.program, options.pgBouncer.settings);
    }
    redisProxy = options.redisProxy === true ? await FaultProxy.start(servers.redis.port) : undefined;
    system = await startSystem({
      name: `${name}-services`,
      fresh: true,
      removeOnStop: true,
      apis: { count: apis },
      workers: { count: workers },
      environment: {
        ...servers.env,
        ...(redisProxy === undefined ? {} : { REDIS_PORT: String(redisProxy.port) }),
        ...(pgBouncer === undefined ? {} : { DATABASE_PORT: String(pgBouncer.port) }),
      },
      variables: { LOG_LEVEL: 'info', RATING_PERSISTENCE_INTERVAL_MS: '1000', ...variables },
      ...progress,
    });
  } catch (error) {
    await redisProxy?.close();
    await pgBouncer?.stop();
    await servers.stop();
    throw error;
  }

  const env = { ...system.env, ...servers.env };
  const pool = new pg.Pool({
    host: servers.postgres.host,
    port: servers.postgres.port,
    user: env['DATABASE_USER'],
    password: env['DATABASE_PASSWORD'],
    database: env['DATABASE_DB'],
    max: 8,
    connectionTimeoutMillis: 3_000,
    query_timeout: 30_000,
  });
  pool.on('error', () => undefined);
  const redis = new Redis({
    host: servers.redis.host,
    port: servers.redis.port,
    maxRetriesPerRequest: 1,
    commandTimeout: 5_000,
    retryStrategy: () => 50,
  });
  redis.on('error', () => undefined);
  const kafka = new Kafka({
    clientId: 'e2e',
    brokers: servers.env['KAFKA_BROKER']!.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 8 },
  });
  let closing: Promise<void> | undefined;
  const clientAt = async (url: string, person: Person, timeoutMs = 30_000): Promise<RatingsClient> =>
    createRatingsClient({ url, token: await system.token(person), timeoutMs });

  return {
    servers,
    system,
    env,
    pool,
    redis,
    store: new RatingStore(redis, { ttlSeconds: 0 }),
    kafka,
    topic: env['KAFKA_TOPIC'] ?? 'review-events',
    redisProxy,
    client: (person, api = 0) => clientAt(`${system.apis[api]!.url}/graphql`, person),
    clientAt,
    close: () =>
      (closing ??= (async () => {
        redis.disconnect();
        await pool.end();
        await system.stop();
        await redisProxy?.close();
        await pgBouncer?.stop();
        await servers.stop();
      })()),
  };
}

/** Creates products through the API. */
export async function createProducts(bed: Testbed, count: number, name: string): Promise<string[]> {
  const admin = await bed.client(ROOT);
  const ids: string[] = [];
  for (let i = 1; i <= count; i += 1) {
    const { createProduct } = await admin.CreateProduct({
      input: { name: `${name} ${i}`, price: { amount: '10.00', currencyCode: 'EUR' } },
    });
    if (createProduct.product == null) throw new Error(`no product: ${JSON.stringify(createProduct.userErrors)}`);
    ids.push(createProduct.product.id);
  }
  return ids;
}
