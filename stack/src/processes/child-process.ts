import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seconds } from '../progress.js';
import { waitUntil } from '../wait-until.js';
import { formatLogEnd } from './log-file.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { descendantsOf, signalProcess, waitUntilGone } from './process-identity.js';

const KILL_TIMEOUT_MS = 10_000;

export interface ChildOptions {
  /** For messages and the pid file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Receives what it prints, after what is there already. */
  readonly logFile: string;
  /** The folder for its pid file, by which it ends with its launcher: see orphan-reaper.ts. */
  readonly pidDirectory?: string | undefined;
  /** The signal of a clean stop. */
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly readyTimeoutMs: number;
  /** Whether it does its work: false or an error means not yet. */
  isReady(): Promise<boolean>;
}

/** How a process ended: with an exit code, or by a signal. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a program: a process with its descendants. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** True as well while it is paused. */
  readonly isRunning: boolean;
  /** Resolves when it has ended, however that came about. */
  readonly exited: Promise<ProcessExit>;
  /** @throws where the process ends before it is ready, or is not ready in time (it then still runs) */
  waitUntilReady(timeoutMs?: number): Promise<void>;
  /** Sends its stop signal; kills what has not ended in time. Resolves with how it ended. */
  stop(timeoutMs?: number): Promise<ProcessExit>;
  /** SIGKILL to all of its processes; resolves when none of them lives any more. */
  kill(): Promise<ProcessExit>;
  /** Freezes all of its processes (SIGSTOP): connections stay open and nothing answers. */
  pause(): void;
  /** Lets a paused process go on (SIGCONT). */
  resume(): void;
}

/**
 * Starts a program in a session of its own: Ctrl-C in the terminal reaches the launcher alone, which then stops its
 * children in order.
 * @throws where there is no such program, or it may not be run
 */
export async function launchChild(options: ChildOptions): Promise<Child> {
  const { name, command, args, env, cwd, uid, gid, logFile, pidDirectory, stopSignal } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { env, cwd, uid, gid, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const { pid } = child;
  const pidFile =
    pid === undefined || pidDirectory === undefined ? undefined : join(pidDirectory, `${name}-${pid}.pid`);
  if (pid !== undefined && pidFile !== undefined) writePidFile(pidFile, { pid, stopSignal, name });
  let exit: ProcessExit | undefined;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      if (pidFile !== undefined) removePidFile(pidFile);
      exit = { code, signal };
      resolve(exit);
    });
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new Error(`${name} could not be started: ${cause.message}`, { cause })));
  });
  return childOf(options, pid!, exited, () => exit);
}

function childOf(
  { name, logFile, stopSignal, stopTimeoutMs, readyTimeoutMs, isReady }: ChildOptions,
  pid: number,
  exited: Promise<ProcessExit>,
  exit: () => ProcessExit | undefined,
): Child {
  const send = (signal: NodeJS.Signals, ...pids: number[]): void => {
    for (const one of pids) if (one !== pid || exit() === undefined) signalProcess(one, signal);
  };
  /** Freezes the main process first, so that it makes no children while they are listed. */
  const freeze = (): number[] => {
    if (exit() !== undefined) return [];
    send('SIGSTOP', pid);
    const descendants = descendantsOf(pid);
    send('SIGSTOP', ...descendants);
    return [...descendants, pid];
  };
  const resume = (): void => {
    if (exit() === undefined) send('SIGCONT', ...descendantsOf(pid), pid);
  };
  const kill = async (): Promise<ProcessExit> => {
    const all = freeze();
    send('SIGKILL', ...all);
    if (await waitUntilGone(all, KILL_TIMEOUT_MS)) return exited;
    throw new Error(`${name} (pid ${pid}) still lives ${seconds(KILL_TIMEOUT_MS)} after SIGKILL`);
  };
  return {
    name,
    pid,
    logFile,
    exited,
    get isRunning() {
      return exit() === undefined;
    },
    waitUntilReady: async (timeoutMs = readyTimeoutMs) => {
      const check = async (): Promise<boolean> => exit() !== undefined || (await isReady().catch(() => false));
      const ready = await waitUntil(check, { timeoutMs, intervalMs: 40 });
      const end = exit();
      if (end !== undefined) {
        throw new Error(`${name} ended (${formatExit(end)}) before it was ready. ${formatLogEnd(logFile)}`);
      }
      if (!ready) throw new Error(`${name} was not ready within ${seconds(timeoutMs)}. ${formatLogEnd(logFile)}`);
    },
    stop: async (timeoutMs = stopTimeoutMs) => {
      send(stopSignal, pid);
      resume();
      return (await waitUntil(exit, { timeoutMs })) ?? (await kill());
    },
    kill,
    pause: () => void freeze(),
    resume,
  };
}

/** `exit code 1` or `SIGKILL` */
export function formatExit({ code, signal }: ProcessExit): string {
  return signal ?? `exit code ${code}`;
}
