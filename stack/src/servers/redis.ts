import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type ServerDefinition } from './managed-server.js';
import { type RedisPrograms } from './programs/redis.js';
import { type StackPaths } from '../stack-paths.js';

export interface RedisOptions {
  paths: StackPaths;
  programs: RedisPrograms;
  port: number;
  /** Settings as in redis.conf, over the defaults here. */
  settings: Record<string, string>;
}

/** A Redis of our own that keeps what it acknowledged (append-only file) and evicts nothing, on loopback only. */
export function redisServer({ paths, programs, port, settings }: RedisOptions): ServerDefinition {
  const home = join(paths.directory, 'redis');
  const all: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir: '.',
    appendonly: 'yes',
    save: '""',
    'maxmemory-policy': 'noeviction',
    'set-proc-title': 'no',
    ...settings,
  };
  return {
    name: programs.name,
    port,
    logFile: join(paths.logs, 'redis.log'),
    pidFile: join(paths.pids, 'redis.pid'),
    dataDirectory: home,
    stopSignal: 'SIGTERM',
    readyTimeoutMs: 60_000,
    prepare: async () => {
      await mkdir(home, { recursive: true });
      const lines = Object.entries(all).map(([name, value]) => `${name} ${value}\n`);
      await writeFile(join(home, 'redis.conf'), lines.join(''));
    },
    erase: async () => {
      if (existsSync(home)) await rm(home, { recursive: true, force: true });
    },
    launch: () => ({ command: programs.server, args: ['redis.conf'], cwd: home, env: { PATH: process.env['PATH'] } }),
    answers: async () => (await ping(port)).startsWith('+PONG'),
  };
}

function ping(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(2_000, () => socket.destroy(new Error('no answer to PING')));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before it answered')));
  });
}
