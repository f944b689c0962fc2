import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeLog } from './log-file.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { signalProcess } from './process-identity.js';
import { seconds } from '../progress.js';
import { waitUntil } from '../wait-until.js';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

export interface ServiceProcessOptions {
  /** For messages and the pid file: `graph-api`. */
  name: string;
  /** The JavaScript file that Node runs. */
  entry: string;
  args?: readonly string[];
  /** Options for Node itself, before the entry. */
  nodeArgs?: readonly string[];
  /** Its whole environment; only PATH, HOME and TMPDIR come from ours. */
  env: Readonly<Record<string, string | undefined>>;
  /** Receives what it prints, after what is there already. */
  logFile: string;
  /** Answers 200 when the service is ready. Without it a process that has been started counts as ready. */
  readyUrl?: string;
  /** How long it may take to become ready; 60 s by default. */
  readyTimeoutMs?: number;
  /** `stack.pidDirectory`: lets the process end with that stack's launcher. */
  pidDirectory?: string;
  cwd?: string;
}

/** How a process ended: with an exit code, or by a signal. */
export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A Node service of ours as a child process. */
export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly isRunning: boolean;
  /** Resolves when it has ended, however that came about. */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when `readyUrl` answers 200; rejects when the process ends before, or not in time (it then still runs). */
  waitUntilReady(timeoutMs?: number): Promise<void>;
  /** SIGTERM, and SIGKILL when it has not ended within `timeoutMs` (20 s). Resolves with how it ended. */
  stop(timeoutMs?: number): Promise<ProcessExit>;
  /** SIGKILL. Resolves when it has ended. */
  kill(): Promise<ProcessExit>;
  /** Freezes it (SIGSTOP). */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
}

/** Starts a service and waits until it is ready. One that does not become ready is killed, and its last words are shown. */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const service = await launchServiceProcess(options);
  try {
    await service.waitUntilReady();
    return service;
  } catch (error) {
    await service.kill();
    throw error;
  }
}

/** Starts a service without waiting until it is ready. */
export async function launchServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const { name, entry, logFile, readyUrl } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  // Detached: Ctrl-C in the terminal reaches the launcher alone, which then stops its services in order.
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), entry, ...(options.args ?? [])], {
    env: { ...inheritedEnvironment(), ...options.env },
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(log);
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`${name} could not be started: ${error.message}`, { cause: error })),
    );
  });
  const pid = child.pid ?? 0;
  const pidFile = options.pidDirectory && join(options.pidDirectory, `${name}-${pid}.pid`);
  if (pidFile) writePidFile(pidFile, { pid, stopSignal: 'SIGTERM', name });
  let exit: ProcessExit | undefined;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      if (pidFile) removePidFile(pidFile);
      exit = { code, signal };
      resolve(exit);
    });
  });
  const send = (signal: NodeJS.Signals): void => {
    if (exit === undefined) signalProcess(pid, signal);
  };
  const kill = (): Promise<ProcessExit> => {
    send('SIGKILL');
    return exited;
  };

  return {
    name,
    pid,
    logFile,
    exited,
    get isRunning() {
      return exit === undefined;
    },
    waitUntilReady: async (timeoutMs = options.readyTimeoutMs ?? READY_TIMEOUT_MS) => {
      if (readyUrl === undefined) return;
      const ready = await waitUntil(() => exit !== undefined || isReady(readyUrl), { timeoutMs, intervalMs: 50 });
      if (exit !== undefined) {
        throw new Error(`${name} ended (${describeExit(exit)}) before it was ready. ${describeLog(logFile)}`);
      }
      if (!ready) {
        throw new Error(`${name} was not ready within ${seconds(timeoutMs)} (${readyUrl}). ${describeLog(logFile)}`);
      }
    },
    stop: async (timeoutMs = STOP_TIMEOUT_MS) => {
      send('SIGTERM');
      send('SIGCONT');
      const ended = await waitUntil(() => exit, { timeoutMs });
      return ended ?? (await kill());
    },
    kill,
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
  };
}

/** `exit code 1` or `SIGKILL` */
export function describeExit({ code, signal }: ProcessExit): string {
  return signal ?? `exit code ${code}`;
}

function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
