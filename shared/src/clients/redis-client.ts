import { Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/server-config.js';

/**
 * ioredis with its `socketTimeout` made safe: the timer of a closed socket is left over there and would destroy the next,
 * healthy connection.
 */
class SafeSocketTimeoutRedis extends Redis {
  constructor(options: RedisOptions) {
    super(options);
    this.on('close', () => {
      const internals = this as unknown as { socketTimeoutTimer: NodeJS.Timeout | undefined };
      clearTimeout(internals.socketTimeoutTimer);
      internals.socketTimeoutTimer = undefined;
    });
  }

  /** BullMQ makes its blocking connections this way. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new SafeSocketTimeoutRedis({ ...this.options, ...override });
  }
}

/**
 * A client of the configured Redis; `options` say how patient it is. Tries to connect again at least once a second.
 * @param connectionName shown by `CLIENT LIST`
 */
export function createRedisClient(config: RedisConfig, connectionName: string, options: RedisOptions): Redis {
  return new SafeSocketTimeoutRedis({
    host: config.host,
    port: config.port,
    ...(config.password === undefined ? {} : { password: config.password }),
    connectionName,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), 1_000),
    ...options,
  });
}
