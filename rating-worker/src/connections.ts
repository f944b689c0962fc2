import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import { prepareSession } from '@exact-ratings/shared/clients/postgres-session.js';
import { createRedisClient } from '@exact-ratings/shared/clients/redis-client.js';
import type { DatabaseConfig, RedisConfig } from '@exact-ratings/shared/config/server-config.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Redis, RedisOptions } from 'ioredis';
import pg from 'pg';

/** A blocking read returns after this time at the latest, so a socket silent for longer is dead. */
export const BLOCKING_READ_MS = 5_000;
const DEAD_SOCKET_MS = 12_000;

/**
 * A connection for BullMQ: waits for Redis without end, as BullMQ wants it, and gives a silent socket up (a network
 * that swallows packets closes nothing).
 */
export function createQueueConnection(config: RedisConfig, name: string, mayReadInfo: boolean, logger: Logger): Redis {
  return connect(config, name, logger, 'debug', {
    maxRetriesPerRequest: null,
    socketTimeout: DEAD_SOCKET_MS,
    // ioredis asks INFO whether Redis has loaded its file, and else prints a line for every connection.
    enableReadyCheck: mayReadInfo,
  });
}

/**
 * The connection of the rating store: a command that takes seconds fails, and its job's next attempt follows. The one
 * that reports an outage.
 */
export function createRatingConnection(config: RedisConfig, name: string, logger: Logger): Redis {
  return connect(config, name, logger, 'warn', {
    maxRetriesPerRequest: null,
    commandTimeout: 5_000,
    socketTimeout: 6_000,
  });
}

function connect(
  config: RedisConfig,
  name: string,
  logger: Logger,
  outageLevel: 'debug' | 'warn',
  options: RedisOptions,
): Redis {
  const redis = createRedisClient(config, name, {
    connectTimeout: 3_000,
    keepAlive: 10_000,
    // A primary that became a replica: connect anew, and send the command again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    ...options,
  });
  let down = false;
  redis.on('error', (error: Error) => {
    if (!down) logger[outageLevel]({ connection: name, reason: errorMessage(error) }, 'waiting for Redis');
    down = true;
  });
  redis.on('ready', () => {
    if (down) logger[outageLevel === 'warn' ? 'info' : 'debug']({ connection: name }, 'Redis answers again');
    down = false;
  });
  return redis;
}

/** The pool for rebuilds. Statements are bounded: one that PostgreSQL cannot answer in time is made smaller, or comes later. */
export function createDatabasePool(
  config: DatabaseConfig,
  limits: { readonly size: number; readonly statementTimeoutMs: number },
  logger: Logger,
): pg.Pool {
  const pool = new pg.Pool({
    ...postgresOptions(config, 'rating-worker'),
    max: limits.size,
    connectionTimeoutMillis: 2_000,
    onConnect: prepareSession(limits.statementTimeoutMs),
    query_timeout: limits.statementTimeoutMs + 2_000,
  });
  pool.on('error', (error) => logger.warn({ reason: errorMessage(error) }, 'an idle PostgreSQL connection was lost'));
  return pool;
}

/**
 * Refuses a Redis that may evict the queue's keys: without some of them a job that is there is never worked on. Where it evicts
 * only keys that expire, which are the jobs' locks and ratings with a TTL, it warns. A user who may not read INFO is warned once instead.
 * @returns whether INFO may be read
 * @throws ioredis's error where Redis fails, or an error that says what to set
 */
export async function checkRedisMemory(redis: Redis, logger: Logger): Promise<{ mayReadInfo: boolean }> {
  try {
    const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1];
    if (policy?.startsWith('allkeys-') === true) {
      throw new Error(`its maxmemory-policy is ${policy}, which evicts jobs: set it to noeviction`);
    }
    if (policy !== undefined && policy !== 'noeviction') {
      logger.warn(
        { policy },
        'Redis evicts keys that expire, such as the locks of jobs: set maxmemory-policy to noeviction',
      );
    }
    return { mayReadInfo: true };
  } catch (error) {
    if (!isCommandRefused(error)) throw error;
    logger.warn(
      { reason: errorMessage(error) },
      'this Redis user may not read INFO: make sure that maxmemory-policy is noeviction and Redis 6.2 or later',
    );
    return { mayReadInfo: false };
  }
}

/** By an ACL, or because the command was renamed away. */
export function isCommandRefused(error: unknown): boolean {
  return error instanceof Error && /^(NOPERM .*command|ERR unknown command)/.test(error.message);
}
