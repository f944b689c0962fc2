import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readDatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import pg from 'pg';
import { waitUntil } from '../wait-until.js';
import { connectRedis } from './redis.js';
import { findSharedServers } from './shared-servers.js';

/** A client's end reaches its server a moment later. */
const CLOSE_TIMEOUT_MS = 3_000;

interface Connection {
  /** Tells it from every other connection of the run. */
  readonly id: string;
  readonly description: string;
}

/** Connections that an earlier file has left behind, which failed for them. */
const reported = new Set<string>();

/**
 * Looks for connections that a test file has left behind on the servers of the run. Does nothing where there are none.
 * @throws naming each by its application name (`pg_stat_activity`, `CLIENT LIST`)
 */
export async function expectNoConnections(): Promise<void> {
  const servers = findSharedServers();
  if (servers === undefined) return;
  const env = { ...servers.env, DATABASE_DB: 'postgres' };
  const redis = connectRedis(env);
  const client = new pg.Client(postgresOptions(readDatabaseConfig(new EnvReader(env), false), 'leak-check'));
  await client.connect();
  let left: Connection[] = [];
  try {
    await waitUntil(
      async () => {
        left = [...(await sessions(client)), ...(await redisClients(redis))].filter(({ id }) => !reported.has(id));
        return left.length === 0;
      },
      { timeoutMs: CLOSE_TIMEOUT_MS },
    );
  } finally {
    redis.disconnect();
    await client.end();
  }
  if (left.length === 0) return;
  for (const { id } of left) reported.add(id);
  const list = left.map(({ description }) => description).join('\n');
  throw new Error(`The test file has left connections open:\n${list}`);
}

async function sessions(client: pg.Client): Promise<Connection[]> {
  const { rows } = await client.query<{ pid: number; application_name: string; datname: string; query: string }>(
    `SELECT pid, application_name, datname, left(query, 80) AS query FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  return rows.map((row) => ({
    id: `session ${row.pid}`,
    description: `PostgreSQL: ${row.application_name} in ${row.datname}, last: ${row.query}`,
  }));
}

async function redisClients(redis: ReturnType<typeof connectRedis>): Promise<Connection[]> {
  const own = await redis.client('ID');
  const field = (line: string, name: string): string => new RegExp(`\\b${name}=(\\S*)`).exec(line)?.[1] ?? '';
  return String(await redis.client('LIST'))
    .split('\n')
    .filter((line) => line !== '' && field(line, 'id') !== String(own))
    .map((line) => ({
      id: `client ${field(line, 'id')}`,
      description: `Redis: ${field(line, 'name')}, last: ${field(line, 'cmd')}`,
    }));
}
