import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readRedisConfig } from '@exact-ratings/shared/config/server-config.js';
import { createRedisClient } from '@exact-ratings/shared/clients/redis-client.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { stackEnvironment } from './stack-environment.js';

/** `npm run --silent redis -- COMMAND …`: sends one command to the stack's Redis and prints the reply, a line an element. */
const [command, ...args] = process.argv.slice(2);
const print = (reply: unknown): void => {
  if (Array.isArray(reply)) reply.forEach(print);
  else console.log(typeof reply === 'object' ? '(nil)' : reply);
};

try {
  if (command === undefined) throw new Error('Usage: npm run --silent redis -- COMMAND [ARGUMENT …]');
  const config = readRedisConfig(new EnvReader(await stackEnvironment('REDIS_HOST')));
  const redis = createRedisClient(config, 'console', { lazyConnect: true, maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  try {
    print(await redis.call(command, ...args));
  } finally {
    redis.disconnect();
  }
} catch (error) {
  console.error(errorMessage(error));
  process.exitCode = 1;
}
