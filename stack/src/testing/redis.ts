import { Redis } from 'ioredis';
import { sharedServers } from './shared-servers.js';

/** A client of the run's Redis, or of the one in `environment`. Whoever asks for it has to disconnect it. */
export function connectRedis(environment: Readonly<Record<string, string>> = sharedServers().env): Redis {
  const redis = new Redis({
    host: environment['REDIS_HOST']!,
    port: Number(environment['REDIS_PORT']),
    connectionName: 'test',
    retryStrategy: () => 100,
  });
  redis.on('error', () => undefined);
  return redis;
}
