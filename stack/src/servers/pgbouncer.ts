import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Stack } from '../stack.js';
import { removeAll } from '../stack-paths.js';
import { dataDirectories, dataDirectory } from './data-directory.js';
import { HOST, ManagedServer } from './managed-server.js';
import { findFreePort } from './ports.js';
import type { PgBouncerProgram } from './programs/pgbouncer.js';
import { findUnprivilegedUser } from './unprivileged-user.js';

export interface PgBouncer {
  readonly port: number;
  stop(): Promise<void>;
}

/** A PgBouncer in front of a stack's PostgreSQL, in transaction mode, with PgBouncer's own defaults for all else. */
export async function startPgBouncer(
  stack: Pick<Stack, 'env' | 'directory' | 'logDirectory' | 'pidDirectory'>,
  program: PgBouncerProgram,
  /** As in pgbouncer.ini, such as `max_prepared_statements`. */
  settings: Readonly<Record<string, string>>,
): Promise<PgBouncer> {
  const { env, logDirectory, pidDirectory } = stack;
  const user = await findUnprivilegedUser();
  const preferred = join(stack.directory, 'pgbouncer');
  const home = await dataDirectory(preferred, user, () => undefined);
  const port = await findFreePort();
  const all = {
    listen_addr: HOST,
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(home, 'users.txt'),
    pool_mode: 'transaction',
    ...settings,
  };
  const server = new ManagedServer(
    {
      name: `PgBouncer ${program.version}`,
      port,
      logFile: join(logDirectory, 'pgbouncer.log'),
      pidDirectory,
      dataDirectory: home,
      stopSignal: 'SIGINT',
      readyTimeoutMs: 20_000,
      command: program.command,
      args: [join(home, 'pgbouncer.ini')],
      cwd: home,
      env: { PATH: process.env['PATH'], ...program.env },
      uid: user?.uid,
      gid: user?.gid,
      prepare: async () => {
        await writeFile(all.auth_file, `"${env['DATABASE_USER']}" "${env['DATABASE_PASSWORD']}"\n`, { mode: 0o644 });
        const database = `* = host=${env['DATABASE_HOST']} port=${env['DATABASE_PORT']}`;
        const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
        const file = ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n');
        await writeFile(join(home, 'pgbouncer.ini'), file, { mode: 0o644 });
      },
      erase: () => removeAll(dataDirectories(preferred)),
      isReady: () => answers({ ...env, DATABASE_PORT: String(port) }),
    },
    () => undefined,
  );
  await server.start();
  return {
    port,
    stop: async () => {
      await server.stop();
      await removeAll(dataDirectories(preferred));
    },
  };
}

async function answers(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const client = new Client({
    host: env['DATABASE_HOST'],
    port: Number(env['DATABASE_PORT']),
    user: env['DATABASE_USER'],
    password: env['DATABASE_PASSWORD'],
    database: env['DATABASE_DB'],
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('SELECT 1').finally(() => client.end());
  return true;
}
