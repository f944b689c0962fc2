import { join } from 'node:path';
import { writeEnvFile } from './env-file.js';
import { requireFreeSpace } from './free-space.js';
import { tryLock, type Lock } from './processes/lock-file.js';
import { startNewLog } from './processes/log-file.js';
import { startReaper, type OrphanReaper } from './processes/orphan-reaper.js';
import { endLeftovers } from './processes/pid-file.js';
import { progressLine, seconds, type Progress } from './progress.js';
import { dataDirectories } from './servers/data-directory.js';
import { prepareKafka } from './servers/kafka.js';
import { KafkaCluster } from './servers/kafka-cluster.js';
import { ManagedServer } from './servers/managed-server.js';
import { isPortFree } from './servers/ports.js';
import { preparePostgres } from './servers/postgres.js';
import { prepareRedis } from './servers/redis.js';
import type { Planner, ServerContext, ServerPlan, ServerSettings, ServiceName } from './servers/server-context.js';
import { makeStackDirectories, removeAll, stackPaths, type StackPaths } from './stack-paths.js';

const PORT_ATTEMPTS = 3;
const PREPARE = { postgres: preparePostgres, redis: prepareRedis, kafka: prepareKafka };

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
  /** Aborts a start in progress (Ctrl-C): what was started is stopped and `startStack` rejects. */
  signal?: AbortSignal;
  /** Receives a line for each step; none are printed by default. */
  onProgress?: Progress;
}

export interface Stack {
  readonly name: string;
  /** What services and tools need to connect to the servers that were started: DATABASE_HOST and so on. */
  readonly env: Record<string, string>;
  /** The file with these variables; the stack named `start` writes `.stack/stack.env` as well. */
  readonly envFile: string;
  readonly directory: string;
  readonly logDirectory: string;
  /** A process that belongs to this stack ends with its launcher when it has a pid file here. */
  readonly pidDirectory: string;
  readonly postgres: ManagedServer;
  readonly redis: ManagedServer;
  readonly kafka: KafkaCluster;
  /** Stops all servers, whatever state they are in, and removes the env files. */
  stop(): Promise<void>;
}

/** All that belongs to a stack while it starts and runs. */
interface Running {
  readonly options: StackOptions;
  readonly paths: StackPaths;
  readonly lock: Lock;
  readonly reaper: OrphanReaper;
  readonly servers: Map<ServiceName, ManagedServer[]>;
  readonly env: Record<string, string>;
  readonly envFiles: readonly string[];
  readonly onProgress: Progress;
  /** Aborted when the stack is to stop, or is no longer wanted while it starts. */
  readonly stopping: AbortController;
}

/**
 * Starts real PostgreSQL, Redis and Kafka on free loopback ports and resolves when all of them answer. Programs that are
 * missing are downloaded once. Everything it started ends with `stop()`, or soon after this process if that dies first.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  if (process.platform === 'win32') {
    throw new Error('The stack runs on Linux and macOS; on Windows use it inside WSL 2');
  }
  const running = await openStack(options);
  const { paths, envFiles, env } = running;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll(running));
  try {
    await startServers(running);
    Object.assign(env, options.variables);
    for (const file of envFiles) await writeEnvFile(file, env);
  } catch (error) {
    await stop();
    throw error;
  }
  const serversOf = (service: ServiceName): ManagedServer[] => {
    const servers = running.servers.get(service);
    if (servers === undefined) throw new Error(`The stack "${options.name}" was started without ${service}`);
    return servers;
  };
  return {
    name: options.name,
    env,
    envFile: join(paths.directory, 'stack.env'),
    directory: paths.directory,
    logDirectory: paths.logs,
    pidDirectory: paths.pids,
    get postgres() {
      return serversOf('postgres')[0]!;
    },
    get redis() {
      return serversOf('redis')[0]!;
    },
    get kafka() {
      return new KafkaCluster(serversOf('kafka'));
    },
    stop,
  };
}

/** Takes the stack's folder: locks it, ends what a killed launcher has left in it, and starts the reaper. */
async function openStack(options: StackOptions): Promise<Running> {
  const { name, onProgress = () => undefined } = options;
  options.signal?.throwIfAborted();
  const paths = stackPaths(name, options.directory);
  await makeStackDirectories(paths);
  await requireFreeSpace(paths.root);
  const lock = takeLock(paths, name);
  try {
    for (const left of await endLeftovers(paths.pids)) {
      if (left.name === 'reaper') continue;
      onProgress(progressLine(left.name, `an earlier start had left it running (pid ${left.pid}): ended`));
    }
    if (options.fresh) await removeData(paths);
    await makeStackDirectories(paths);
    const own = join(paths.directory, 'stack.env');
    return {
      options,
      paths,
      lock,
      reaper: startReaper(paths, options.removeOnStop === true ? allDirectories(paths) : []),
      servers: new Map(),
      env: {},
      envFiles: name === 'start' ? [own, join(paths.root, 'stack.env')] : [own],
      onProgress,
      stopping: new AbortController(),
    };
  } catch (error) {
    lock.release();
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

/** All folders of a stack: also PostgreSQL's, where that user could not reach it in the stack's own. */
function allDirectories({ directory }: StackPaths): string[] {
  return [...dataDirectories(join(directory, 'postgres')), directory];
}

async function removeData({ directory }: StackPaths): Promise<void> {
  const entries = ['redis', 'kafka', 'kafka-1', 'kafka-2', 'kafka-3', 'postgres.password'];
  await removeAll([...dataDirectories(join(directory, 'postgres')), ...entries.map((entry) => join(directory, entry))]);
}

async function startServers(running: Running): Promise<void> {
  const { options, paths, onProgress, stopping } = running;
  const settings: ServerSettings = {
    durable: options.durable ?? true,
    kafkaBrokers: options.kafkaBrokers ?? 1,
    postgresSettings: options.postgresSettings ?? {},
    redisSettings: options.redisSettings ?? {},
    kafkaSettings: options.kafkaSettings ?? {},
  };
  const context: ServerContext = { paths, settings, onProgress, signal: stopping.signal };
  const abort = (): void => {
    stopping.abort();
    for (const server of [...running.servers.values()].flat()) void server.kill().catch(() => undefined);
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  let failure: Error | undefined;
  const services = options.services ?? (Object.keys(PREPARE) as ServiceName[]);
  await Promise.all(
    services.map(async (service) => {
      try {
        await startService(running, service, await PREPARE[service](context));
      } catch (error) {
        // The first failure is the reason; what the others say then is only that they were stopped.
        failure ??= error instanceof Error ? error : new Error(String(error));
        abort();
      }
    }),
  );
  options.signal?.removeEventListener('abort', abort);
  options.signal?.throwIfAborted();
  if (failure !== undefined) throw failure;
}

/** Starts the servers of one kind, on other ports where another program was faster to take one. */
async function startService(running: Running, service: ServiceName, plan: Planner): Promise<void> {
  const { stopping, onProgress, env } = running;
  for (let attempt = 1; ; attempt += 1) {
    const planned = await plan();
    if (stopping.signal.aborted) return;
    const servers = planned.definitions.map((definition) => new ManagedServer(definition, onProgress));
    running.servers.set(service, servers);
    for (const { logFile } of servers) startNewLog(logFile);
    try {
      await Promise.all(servers.map((server) => server.start()));
      Object.assign(env, planned.env);
      return;
    } catch (error) {
      await Promise.all(servers.map((server) => server.kill()));
      if (stopping.signal.aborted || attempt === PORT_ATTEMPTS || !(await lostAPort(planned))) throw error;
    }
  }
}

async function lostAPort({ definitions }: ServerPlan): Promise<boolean> {
  const ports = definitions.flatMap(({ port, otherPorts = [] }) => [port, ...otherPorts]);
  return (await Promise.all(ports.map(isPortFree))).includes(false);
}

async function stopAll(running: Running): Promise<void> {
  const { options, paths, servers, envFiles, reaper, lock, onProgress, stopping } = running;
  stopping.abort();
  const results = await Promise.allSettled(
    [...servers.values()].flat().map(async (server) => {
      const began = Date.now();
      const ran = server.isRunning;
      await server.stop();
      if (ran) onProgress(progressLine(server.name, `stopped (${seconds(Date.now() - began)})`));
    }),
  );
  await removeAll(envFiles);
  await reaper.dismiss();
  if (options.removeOnStop === true) await removeAll(allDirectories(paths));
  lock.release();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
