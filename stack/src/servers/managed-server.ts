import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { describeLog } from '../processes/log-file.js';
import { removePidFile, writePidFile } from '../processes/pid-file.js';
import { descendantsOf, signalProcess, waitUntilGone } from '../processes/process-identity.js';
import { progressLine, seconds, type Progress } from '../progress.js';
import { waitUntil } from '../wait-until.js';

const HOST = '127.0.0.1';
const STOP_TIMEOUT_MS = 15_000;
const KILL_TIMEOUT_MS = 10_000;

/** How a server is launched: a program without a shell. */
export interface ServerLaunch {
  command: string;
  args: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
}

/** What {@link ManagedServer} needs to know of one kind of server. */
export interface ServerDefinition {
  /** With its version, as people know it: `PostgreSQL 18.4`. */
  readonly name: string;
  readonly port: number;
  readonly logFile: string;
  readonly pidFile: string;
  /** Where its data is, once it has been prepared. */
  readonly dataDirectory: string;
  /** The signal of a prompt, clean stop. */
  readonly stopSignal: NodeJS.Signals;
  readonly readyTimeoutMs: number;
  /** How long a clean stop may take before it is killed; 15 s by default. */
  readonly stopTimeoutMs?: number;
  /** Makes what is missing of its data and configuration. Runs before every start. */
  prepare(): Promise<void>;
  /** Removes its data. */
  erase(): Promise<void>;
  launch(): ServerLaunch;
  /** Whether it really answers: a request through its protocol, not an open port. False or an error means not yet. */
  answers(): Promise<boolean>;
}

/** A server process that can be stopped, killed, frozen and started again on the same port with the same data. */
export class ManagedServer {
  readonly host = HOST;
  readonly #definition: ServerDefinition;
  readonly #onProgress: Progress;
  #child: ChildProcess | undefined;
  #exit: Promise<string> | undefined;
  /** Counts stop() and kill(), so that a start in progress notices that it is no longer wanted. */
  #endings = 0;
  #expectedToRun = false;

  constructor(definition: ServerDefinition, onProgress: Progress) {
    this.#definition = definition;
    this.#onProgress = onProgress;
  }

  /** With its version: `Redis 7.0.15`. */
  get name(): string {
    return this.#definition.name;
  }

  get port(): number {
    return this.#definition.port;
  }

  get logFile(): string {
    return this.#definition.logFile;
  }

  /** Its files: a copy made while it is stopped can be put back. */
  get dataDirectory(): string {
    return this.#definition.dataDirectory;
  }

  /** The number of its main process; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** True as well while it is paused. */
  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Starts it on its port and resolves when it really answers. Its data is what it was when the server ended, or nothing
   * with `empty`. A server that runs already is left as it is.
   */
  async start({ empty = false }: { empty?: boolean } = {}): Promise<void> {
    if (this.isRunning) {
      if (empty) throw new Error(`${this.name} is running: stop() or kill() it before it is started empty`);
      return;
    }
    const began = Date.now();
    const endings = this.#endings;
    if (empty) await this.#definition.erase();
    await this.#definition.prepare();
    if (endings !== this.#endings) throw new Error(`${this.name} was stopped while it was being prepared`);
    await this.#launchAndWait();
    this.#onProgress(progressLine(this.name, `ready on ${HOST}:${this.port} (${seconds(Date.now() - began)})`));
  }

  /** Stops it cleanly; what has not stopped within 15 s is killed. */
  async stop(): Promise<void> {
    this.#endings++;
    this.#expectedToRun = false;
    const { pid } = this;
    if (pid === undefined) return;
    signalProcess(pid, this.#definition.stopSignal);
    this.resume();
    const { stopTimeoutMs: timeoutMs = STOP_TIMEOUT_MS } = this.#definition;
    const ended = await waitUntil(() => !this.isRunning, { timeoutMs });
    if (!ended) {
      this.#onProgress(progressLine(this.name, `did not stop within ${seconds(timeoutMs)}: killing it`));
      await this.kill();
    }
  }

  /** SIGKILL to all of its processes; resolves when none of them lives any more. */
  async kill(): Promise<void> {
    this.#endings++;
    this.#expectedToRun = false;
    const { pid } = this;
    if (pid === undefined) return;
    const all = this.#freeze(pid);
    all.forEach((member) => signalProcess(member, 'SIGKILL'));
    const ended = await waitUntil(() => !this.isRunning, { timeoutMs: KILL_TIMEOUT_MS });
    if (!ended || !(await waitUntilGone(all, KILL_TIMEOUT_MS))) {
      throw new Error(`${this.name} (pid ${pid}) still lives ${seconds(KILL_TIMEOUT_MS)} after SIGKILL`);
    }
  }

  /** Freezes all of its processes (SIGSTOP): connections stay open and nothing answers. */
  pause(): void {
    if (this.pid === undefined) throw new Error(`${this.name} is not running: it cannot be paused`);
    this.#freeze(this.pid);
  }

  /** Lets a paused server go on. */
  resume(): void {
    if (this.pid === undefined) return;
    for (const member of [...descendantsOf(this.pid), this.pid]) signalProcess(member, 'SIGCONT');
  }

  /** Freezes the main process first, so that it makes no children while they are listed. */
  #freeze(pid: number): number[] {
    signalProcess(pid, 'SIGSTOP');
    const children = descendantsOf(pid);
    children.forEach((child) => signalProcess(child, 'SIGSTOP'));
    return [...children, pid];
  }

  async #launchAndWait(): Promise<void> {
    const { logFile, readyTimeoutMs } = this.#definition;
    const exit = this.#spawn();
    let outcome: string | undefined;
    void exit.then((how) => (outcome = how));
    const answered = await waitUntil(
      async () => outcome !== undefined || (await this.#definition.answers().catch(() => false)),
      { timeoutMs: readyTimeoutMs, intervalMs: 40 },
    );
    if (outcome !== undefined) {
      throw new Error(`${this.name} ended (${outcome}) instead of starting. ${describeLog(logFile)}`);
    }
    if (!answered) {
      await this.kill();
      throw new Error(`${this.name} did not answer within ${seconds(readyTimeoutMs)}. ${describeLog(logFile)}`);
    }
    this.#expectedToRun = true;
  }

  #spawn(): Promise<string> {
    const { command, args, ...options } = this.#definition.launch();
    const { logFile, pidFile, stopSignal } = this.#definition;
    const log = openSync(logFile, 'a');
    // Detached: Ctrl-C in the terminal reaches the launcher alone, which then stops its servers in order.
    const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    if (child.pid !== undefined) writePidFile(pidFile, { pid: child.pid, stopSignal, name: this.name });
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      const end = (outcome: string): void => {
        removePidFile(pidFile);
        this.#child = undefined;
        if (this.#expectedToRun) {
          this.#onProgress(progressLine(this.name, `ended by itself (${outcome}). ${describeLog(logFile, 5)}`));
        }
        this.#expectedToRun = false;
        resolve(outcome);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `ended by ${signal}`));
    });
    return this.#exit;
  }
}
