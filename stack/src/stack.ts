import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeEnvFile } from './env-file.js';
import { requireFreeSpace } from './free-space.js';
import { findJava } from './servers/programs/kafka.js';
import { tryLock, type Lock } from './processes/lock-file.js';
import { startNewLog } from './processes/log-file.js';
import { type ManagedServer } from './servers/managed-server.js';
import { endLeftovers } from './processes/pid-file.js';
import { progressLine, seconds, type Progress } from './progress.js';
import { removeDataDirectory } from './servers/data-directory.js';
import { makeStackDirectories, stackPaths, type StackPaths } from './stack-paths.js';
import {
  lostItsPort,
  prepareServer,
  type PlannedServer,
  type ServerSettings,
  type ServiceName,
  type StackCommands,
} from './servers/plan-server.js';
import { startReaper, type Reaper } from './processes/orphan-reaper.js';

const PORT_ATTEMPTS = 3;

export interface StackOptions extends Partial<ServerSettings> {
  /** Names the stack and its folder `.stack/<name>`. One stack of a name runs at a time. */
  name: string;
  /** The folder of all stacks, instead of STACK_DIRECTORY or `.stack` in the repository. */
  directory?: string;
  /** Which servers; all three by default. */
  services?: readonly ServiceName[];
  /** Begin with empty servers, whatever an earlier run of that name has left. Default: keep its data. */
  fresh?: boolean;
  /** Remove the stack's folder when it stops (also when its launcher is killed). Default: keep it. */
  removeOnStop?: boolean;
  /** Further variables for `env` and the env files. */
  variables?: Readonly<Record<string, string>>;
  /** Write the variables to this file too. The stack named `start` always writes `.stack/stack.env`. */
  envFile?: string;
  /** Aborts a start in progress (Ctrl-C): what was started is stopped and `startStack` rejects. */
  signal?: AbortSignal;
  /** Receives a line for each step; none are printed by default. */
  onProgress?: Progress;
}

export interface Stack {
  readonly name: string;
  /** What services and tools need to connect to the servers that were started: DATABASE_HOST and so on. */
  readonly env: Record<string, string>;
  /** The file with these variables. */
  readonly envFile: string;
  readonly directory: string;
  readonly logDirectory: string;
  /** A process that belongs to this stack ends with its launcher when it has a pid file here. */
  readonly pidDirectory: string;
  readonly commands: StackCommands;
  readonly postgres: ManagedServer;
  readonly redis: ManagedServer;
  readonly kafka: ManagedServer;
  /** Stops all servers, whatever state they are in, and removes the env files. */
  stop(): Promise<void>;
}

/** All that belongs to a stack while it starts and runs. */
interface Running {
  options: StackOptions;
  paths: StackPaths;
  lock: Lock;
  reaper: Reaper;
  servers: Map<ServiceName, PlannedServer>;
  envFiles: string[];
  onProgress: Progress;
  isStopping: boolean;
}

/**
 * Starts real PostgreSQL, Redis and Kafka on free loopback ports and resolves when all of them answer. Programs that are
 * missing are downloaded once. Everything it started ends with `stop()`, or soon after this process if that dies first.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  if (process.platform === 'win32')
    throw new Error('The stack runs on Linux and macOS; on Windows use it inside WSL 2');
  const paths = stackPaths(options.name, options.directory);
  const onProgress = options.onProgress ?? (() => undefined);
  options.signal?.throwIfAborted();
  await makeStackDirectories(paths);
  await requireFreeSpace(paths.root);
  const lock = takeLock(paths, options.name);
  let reaper: Reaper;
  try {
    await clearUp(paths, options, onProgress);
    reaper = startReaper(paths, options.removeOnStop ?? false);
  } catch (error) {
    lock.release();
    throw error;
  }
  const envFiles = envFilesOf(options, paths);
  const running: Running = {
    options,
    paths,
    lock,
    reaper,
    servers: new Map(),
    envFiles,
    onProgress,
    isStopping: false,
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll(running));
  try {
    await startServers(running);
    const serverVariables = [...running.servers.values()].map((one) => one.env);
    const env = Object.assign({}, ...serverVariables, options.variables) as Record<string, string>;
    for (const file of envFiles) await writeEnvFile(file, env);
    return describeStack(running, env, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function takeLock(paths: StackPaths, name: string): Lock {
  const lock = tryLock(join(paths.root, `${name}.lock`));
  if (!('heldBy' in lock)) return lock;
  throw new Error(
    `The stack "${name}" is already running, started by process ${lock.heldBy}. Use it (its variables are in ` +
      `${join(paths.directory, 'stack.env')}), or stop it first: Ctrl-C in its terminal, or kill ${lock.heldBy}.`,
  );
}

/** Ends what a killed launcher has left running; with `fresh`, removes the data of earlier runs. */
async function clearUp(paths: StackPaths, options: StackOptions, onProgress: Progress): Promise<void> {
  for (const { name, pid } of await endLeftovers(paths.pids)) {
    if (name !== 'reaper') onProgress(progressLine(name, `an earlier start had left it running (pid ${pid}): ended`));
  }
  if (options.fresh) {
    await removeDataDirectory(join(paths.directory, 'postgres'));
    for (const folder of ['redis', 'kafka', 'postgres.password']) {
      await rm(join(paths.directory, folder), { recursive: true, force: true });
    }
  }
  await makeStackDirectories(paths);
}

async function startServers(running: Running): Promise<void> {
  const { options, paths, onProgress } = running;
  const services = options.services ?? ['postgres', 'redis', 'kafka'];
  const settings: ServerSettings = {
    database: options.database ?? 'ratings',
    durable: options.durable ?? true,
    postgresSettings: options.postgresSettings ?? {},
    redisSettings: options.redisSettings ?? {},
    kafkaSettings: options.kafkaSettings ?? {},
  };
  const java = services.includes('kafka') ? await findJava(paths.programs) : undefined;
  const preparing = new AbortController();
  const abort = (): void => {
    running.isStopping = true;
    preparing.abort();
    for (const { server } of running.servers.values()) void server.kill().catch(() => undefined);
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  let failure: Error | undefined;
  const starting = services.map(async (service) => {
    try {
      const plan = await prepareServer(service, settings, paths, java, onProgress, preparing.signal);
      await startServer(running, service, plan);
    } catch (error) {
      // The first failure is the reason; what the others say then is only that they were stopped.
      failure ??= error instanceof Error ? error : new Error(String(error));
      abort();
    }
  });
  await Promise.all(starting);
  options.signal?.removeEventListener('abort', abort);
  options.signal?.throwIfAborted();
  if (failure !== undefined) throw failure;
}

async function startServer(running: Running, service: ServiceName, plan: () => Promise<PlannedServer>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const planned = await plan();
    if (running.isStopping) return;
    running.servers.set(service, planned);
    startNewLog(planned.logFile);
    try {
      await planned.server.start();
      return;
    } catch (error) {
      if (running.isStopping || attempt === PORT_ATTEMPTS || !(await lostItsPort(planned))) throw error;
    }
  }
}

function describeStack(running: Running, env: Record<string, string>, stop: () => Promise<void>): Stack {
  const { options, paths, servers, envFiles } = running;
  const serverOf = (service: ServiceName): ManagedServer => {
    const planned = servers.get(service);
    if (planned === undefined) throw new Error(`The stack "${options.name}" was started without ${service}`);
    return planned.server;
  };
  return {
    name: options.name,
    env,
    envFile: envFiles[0] ?? '',
    directory: paths.directory,
    logDirectory: paths.logs,
    pidDirectory: paths.pids,
    commands: Object.assign({}, ...[...servers.values()].map((one) => one.commands)) as StackCommands,
    get postgres() {
      return serverOf('postgres');
    },
    get redis() {
      return serverOf('redis');
    },
    get kafka() {
      return serverOf('kafka');
    },
    stop,
  };
}

async function stopAll(running: Running): Promise<void> {
  const { options, paths, servers, envFiles, reaper, lock, onProgress } = running;
  running.isStopping = true;
  const results = await Promise.allSettled(
    [...servers.values()].map(async ({ server }) => {
      const began = Date.now();
      if (!server.isRunning) return;
      await server.stop();
      onProgress(progressLine(server.name, `stopped (${seconds(Date.now() - began)})`));
    }),
  );
  for (const file of envFiles) await rm(file, { force: true });
  await reaper.dismiss();
  if (options.removeOnStop) {
    await removeDataDirectory(join(paths.directory, 'postgres'));
    await rm(paths.directory, { recursive: true, force: true });
  }
  lock.release();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function envFilesOf({ name, envFile }: StackOptions, paths: StackPaths): string[] {
  return [
    ...(name === 'start' ? [join(paths.root, 'stack.env')] : []),
    join(paths.directory, 'stack.env'),
    ...(envFile === undefined ? [] : [envFile]),
  ];
}
