import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { HOST } from './managed-server.js';
import { findFreePort } from './ports.js';
import { provideRedis } from './programs/redis.js';
import type { Planner, ServerContext } from './server-context.js';

/** A Redis of our own that keeps what it acknowledged (append-only file) and evicts nothing. */
export async function prepareRedis(context: ServerContext): Promise<Planner> {
  const { paths, settings } = context;
  const { name, server } = await provideRedis(context);
  const home = join(paths.directory, 'redis');
  return async () => {
    const port = await findFreePort();
    const all: Record<string, string> = {
      bind: HOST,
      port: String(port),
      dir: '.',
      appendonly: 'yes',
      save: '""',
      'maxmemory-policy': 'noeviction',
      'set-proc-title': 'no',
      ...settings.redisSettings,
    };
    const definition = {
      name,
      port,
      logFile: join(paths.logs, 'redis.log'),
      pidDirectory: paths.pids,
      dataDirectory: home,
      stopSignal: 'SIGTERM' as const,
      readyTimeoutMs: 60_000,
      command: server,
      args: ['redis.conf'],
      cwd: home,
      env: { PATH: process.env['PATH'] },
      prepare: async () => {
        await mkdir(home, { recursive: true });
        const lines = Object.entries(all).map(([setting, value]) => `${setting} ${value}\n`);
        await writeFile(join(home, 'redis.conf'), lines.join(''));
      },
      erase: () => rm(home, { recursive: true, force: true }),
      isReady: () => answers(port, all['requirepass']),
    };
    return { definitions: [definition], env: { REDIS_HOST: HOST, REDIS_PORT: String(port) } };
  };
}

async function answers(port: number, password: string | undefined): Promise<boolean> {
  const client = new Redis({
    host: HOST,
    port,
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    client.disconnect();
  }
}
