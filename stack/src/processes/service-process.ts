import { launchChild, type Child } from './child-process.js';

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

/** One run of a Node service. Its stop signal is SIGTERM; it is killed 20 s after that. */
export type ServiceProcess = Child;

/** Starts a service and waits until it is ready. One that does not become ready is killed, and the end of its log is shown. */
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
export function launchServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const { name, entry, logFile, readyUrl, pidDirectory, readyTimeoutMs = READY_TIMEOUT_MS } = options;
  const { PATH, HOME, TMPDIR } = process.env;
  return launchChild({
    name,
    command: process.execPath,
    args: [...(options.nodeArgs ?? []), entry, ...(options.args ?? [])],
    env: { PATH, HOME, TMPDIR, ...options.env },
    cwd: options.cwd,
    logFile,
    pidDirectory,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    readyTimeoutMs,
    isReady: async () => readyUrl === undefined || (await answersWell(readyUrl)),
  });
}

async function answersWell(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return response.status === 200;
}
