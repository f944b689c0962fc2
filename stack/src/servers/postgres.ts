import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { type ServerDefinition } from './managed-server.js';
import { type PostgresPrograms } from './programs/postgres.js';
import { commandLineOf, signalProcess, waitUntilGone } from '../processes/process-identity.js';
import { type Progress } from '../progress.js';
import { dataDirectoryFor, removeDataDirectory } from './data-directory.js';
import { runCommand } from '../processes/run-command.js';
import { type StackPaths } from '../stack-paths.js';
import { identityFor, type UnprivilegedUser } from './unprivileged-user.js';

export const POSTGRES_USER = 'postgres';

export interface PostgresOptions {
  paths: StackPaths;
  programs: PostgresPrograms;
  user: UnprivilegedUser | undefined;
  port: number;
  database: string;
  /** Off: commits do not wait for the disk. Safe against a killed server, not against a lost machine. */
  durable: boolean;
  /** Settings as in postgresql.conf, over the defaults here. */
  settings: Record<string, string>;
  onProgress: Progress;
}

export interface PostgresDefinition extends ServerDefinition {
  readonly password: string;
}

/** A PostgreSQL of our own: one cluster, one superuser with a random password, one database, loopback only. */
export async function postgresServer(options: PostgresOptions): Promise<PostgresDefinition> {
  const { paths, programs, user, port, database, onProgress } = options;
  const preferred = join(paths.directory, 'postgres');
  const password = await keptPassword(join(paths.directory, 'postgres.password'));
  let data = '';
  let databaseExists = false;

  const connect = async (name: string): Promise<Client> => {
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: POSTGRES_USER,
      password,
      database: name,
      connectionTimeoutMillis: 2_000,
      query_timeout: 5_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  return {
    name: `PostgreSQL ${programs.version}`,
    port,
    password,
    logFile: join(paths.logs, 'postgres.log'),
    pidFile: join(paths.pids, 'postgres.pid'),
    get dataDirectory() {
      return data;
    },
    // "Fast" shutdown: sessions are ended, everything committed is kept.
    stopSignal: 'SIGINT',
    readyTimeoutMs: 60_000,
    prepare: async () => {
      const home = await dataDirectoryFor(preferred, user, onProgress);
      data = join(home, 'data');
      if (!existsSync(join(data, 'PG_VERSION'))) {
        await initialise(programs.bin, home, password, user);
        databaseExists = false;
      }
      await checkVersion(data, programs.version);
      await removeStaleLock(data);
    },
    erase: () => removeDataDirectory(preferred),
    launch: () => ({
      command: join(programs.bin, 'postgres'),
      args: ['-D', data, ...settingsAsArguments(options)],
      cwd: data,
      env: programEnvironment(),
      ...identityFor(user),
    }),
    answers: async () => {
      if (!databaseExists) await createDatabase(connect, database);
      databaseExists = true;
      const client = await connect(database);
      try {
        await client.query('SELECT 1');
        return true;
      } finally {
        await client.end();
      }
    },
  };
}

function settingsAsArguments({ port, durable, settings }: PostgresOptions): string[] {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    logging_collector: 'off',
    log_destination: 'stderr',
    // Not synchronous_commit: without it a killed server loses what it has acknowledged.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Nothing of the caller's environment: PGDATA, PGPORT and the like would change what the programs do. */
function programEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

async function keptPassword(file: string): Promise<string> {
  if (existsSync(file)) {
    const kept = (await readFile(file, 'utf8')).trim();
    if (kept !== '') return kept;
  }
  const password = randomBytes(18).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** Made under another name and renamed at the end, so that an interrupted initdb is not taken for a cluster. */
async function initialise(
  bin: string,
  home: string,
  password: string,
  user: UnprivilegedUser | undefined,
): Promise<void> {
  const draft = join(home, 'data.new');
  const passwordFile = join(home, 'initdb.password');
  await rm(draft, { recursive: true, force: true });
  await rm(join(home, 'data'), { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    await chown(draft, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  try {
    await runCommand(
      join(bin, 'initdb'),
      [
        `--pgdata=${draft}`,
        `--username=${POSTGRES_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        ...(await localeArguments(bin)),
        '--data-checksums',
        '--no-sync',
        '--no-instructions',
      ],
      { cwd: home, env: programEnvironment(), ...identityFor(user) },
    );
    await rename(draft, join(home, 'data'));
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** From 17 on PostgreSQL brings its own C.UTF-8; before, plain C sorts the same and is there on every system. */
async function localeArguments(bin: string): Promise<string[]> {
  const version = await runCommand(join(bin, 'initdb'), ['--version']);
  const major = Number(/\b(\d+)/.exec(version)?.[1]);
  return ['--locale=C', ...(major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : [])];
}

async function checkVersion(data: string, version: string): Promise<void> {
  const made = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (made === version.split('.')[0]) return;
  throw new Error(
    `The data in ${data} was made by PostgreSQL ${made}, and PostgreSQL ${version} cannot read it. ` +
      'Remove that folder to begin with empty data.',
  );
}

/**
 * PostgreSQL refuses to start when the process named in its lock file lives, even if that number belongs to something
 * else by now. We hold the lock on the stack's folder, so nothing but a forgotten server of ours may use this data.
 */
async function removeStaleLock(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number((await readFile(file, 'utf8')).split('\n')[0]);
  if (pid > 1 && commandLineOf(pid).includes(data)) {
    signalProcess(pid, 'SIGINT');
    if (!(await waitUntilGone([pid], 10_000))) signalProcess(pid, 'SIGKILL');
    await waitUntilGone([pid], 10_000);
  }
  await rm(file, { force: true });
}

async function createDatabase(connect: (name: string) => Promise<Client>, database: string): Promise<void> {
  const client = await connect('postgres');
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
