import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { Client } from 'pg';
import { dataDirectories, dataDirectory } from './data-directory.js';
import { HOST, type ServerDefinition } from './managed-server.js';
import { findFreePort } from './ports.js';
import { providePostgres, type PostgresPrograms } from './programs/postgres.js';
import type { Planner, ServerContext } from './server-context.js';
import { removeAll } from '../stack-paths.js';
import { findUnprivilegedUser, type UnprivilegedUser } from './unprivileged-user.js';

const USER = 'postgres';
const DATABASE = 'ratings';

/** A PostgreSQL of our own: one cluster, one superuser with a random password, one database. */
export async function preparePostgres(context: ServerContext): Promise<Planner> {
  const { paths, onProgress } = context;
  const user = await findUnprivilegedUser();
  const programs = await providePostgres(paths.programs, user, onProgress);
  const password = await keptPassword(join(paths.directory, 'postgres.password'));
  return async () => {
    const port = await findFreePort();
    const definition = await definePostgres(context, programs, user, port, password);
    return {
      definitions: [definition],
      env: {
        DATABASE_HOST: HOST,
        DATABASE_PORT: String(port),
        DATABASE_USER: USER,
        DATABASE_PASSWORD: password,
        DATABASE_DB: DATABASE,
      },
    };
  };
}

async function definePostgres(
  { paths, settings, onProgress }: ServerContext,
  { bin, version }: PostgresPrograms,
  user: UnprivilegedUser | undefined,
  port: number,
  password: string,
): Promise<ServerDefinition> {
  const preferred = join(paths.directory, 'postgres');
  const home = await dataDirectory(preferred, user, onProgress);
  const data = join(home, 'data');
  return {
    name: `PostgreSQL ${version}`,
    port,
    logFile: join(paths.logs, 'postgres.log'),
    pidDirectory: paths.pids,
    dataDirectory: data,
    // "Fast" shutdown: sessions are ended, everything committed is kept.
    stopSignal: 'SIGINT',
    readyTimeoutMs: 60_000,
    command: join(bin, 'postgres'),
    args: ['-D', data, ...settingsAsArguments(port, settings)],
    cwd: home,
    env: programEnvironment(),
    uid: user?.uid,
    gid: user?.gid,
    prepare: async () => {
      await dataDirectory(preferred, user, () => undefined);
      if (!existsSync(join(data, 'PG_VERSION'))) await initialise(bin, version, home, password, user);
      await checkVersion(data, version);
      // It names a process; where that number is another's by now, PostgreSQL would refuse to start. We hold the lock on
      // the stack's folder, and have ended what an earlier launcher left.
      await rm(join(data, 'postmaster.pid'), { force: true });
    },
    erase: () => removeAll(dataDirectories(preferred)),
    isReady: () => answers(port, password),
  };
}

function settingsAsArguments(port: number, { durable, postgresSettings }: ServerContext['settings']): string[] {
  const all: Record<string, string> = {
    listen_addresses: HOST,
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    logging_collector: 'off',
    log_destination: 'stderr',
    // Not synchronous_commit: without it a killed server loses what it has acknowledged.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...postgresSettings,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Nothing of the caller's environment: PGDATA, PGPORT and the like would change what the programs do. */
function programEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

async function keptPassword(file: string): Promise<string> {
  const kept = existsSync(file) ? (await readFile(file, 'utf8')).trim() : '';
  if (kept !== '') return kept;
  const password = randomBytes(18).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** Made under another name and renamed at the end, so that an interrupted initdb is not taken for a cluster. */
async function initialise(
  bin: string,
  version: string,
  home: string,
  password: string,
  user: UnprivilegedUser | undefined,
): Promise<void> {
  const draft = join(home, 'data.new');
  const passwordFile = join(home, 'initdb.password');
  for (const remains of [draft, join(home, 'data'), passwordFile]) await rm(remains, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) for (const path of [draft, passwordFile]) await chown(path, user.uid, user.gid);
  // From 17 on PostgreSQL brings its own C.UTF-8; before, plain C sorts the same and is there on every system.
  const locale = Number.parseInt(version) >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : [];
  try {
    await execa(
      join(bin, 'initdb'),
      [
        `--pgdata=${draft}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        ...locale,
        '--data-checksums',
        '--no-sync',
        '--no-instructions',
      ],
      { cwd: home, env: programEnvironment(), extendEnv: false, ...(user && { uid: user.uid, gid: user.gid }) },
    );
    await rename(draft, join(home, 'data'));
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function checkVersion(data: string, version: string): Promise<void> {
  const made = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (made === version.split('.')[0]) return;
  throw new Error(
    `The data in ${data} was made by PostgreSQL ${made}, and PostgreSQL ${version} cannot read it. ` +
      'Remove that folder to begin with empty data.',
  );
}

/** It answers when the database can be asked; the first time it is created. */
async function answers(port: number, password: string): Promise<boolean> {
  const ask = async (database: string, text: string): Promise<void> => {
    const client = new Client({
      host: HOST,
      port,
      user: USER,
      password,
      database,
      connectionTimeoutMillis: 2_000,
      query_timeout: 5_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(text).finally(() => client.end());
  };
  try {
    await ask(DATABASE, 'SELECT 1');
  } catch (error) {
    if ((error as { code?: string }).code !== '3D000') throw error;
    await ask('postgres', `CREATE DATABASE ${DATABASE}`);
  }
  return true;
}
