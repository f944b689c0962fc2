import { formatExit, launchChild, type Child, type ChildOptions } from '../processes/child-process.js';
import { formatLogEnd } from '../processes/log-file.js';
import { progressLine, seconds, type Progress } from '../progress.js';

/** The only address that servers of a stack listen on. */
export const HOST = '127.0.0.1';

const STOP_TIMEOUT_MS = 15_000;

/** What {@link ManagedServer} needs to know of one kind of server. Its `isReady` asks through the server's protocol. */
export interface ServerDefinition extends Omit<ChildOptions, 'stopTimeoutMs'> {
  readonly port: number;
  /** Further ports that it listens on. */
  readonly otherPorts?: readonly number[];
  /** Where its data is, once it has been prepared. */
  readonly dataDirectory: string;
  /** How long a clean stop may take before it is killed; 15 s by default. */
  readonly stopTimeoutMs?: number;
  /** Makes what is missing of its data and configuration. Runs before every start. */
  prepare(): Promise<void>;
  /** Removes its data. */
  erase(): Promise<void>;
}

/** A server process that can be stopped, killed, frozen and started again on the same port with the same data. */
export class ManagedServer {
  readonly host = HOST;
  private child: Child | undefined;
  /** Counts stop() and kill(), so that a start in progress notices that it is no longer wanted. */
  private endings = 0;
  private expectedToRun = false;

  constructor(
    private readonly definition: ServerDefinition,
    private readonly onProgress: Progress,
  ) {}

  /** With its version: `Redis 6.2.11`. */
  get name(): string {
    return this.definition.name;
  }

  get port(): number {
    return this.definition.port;
  }

  get logFile(): string {
    return this.definition.logFile;
  }

  /** Its files: a copy made while it is stopped can be put back. */
  get dataDirectory(): string {
    return this.definition.dataDirectory;
  }

  /** The number of its main process; undefined while it does not run. */
  get pid(): number | undefined {
    return this.isRunning ? this.child?.pid : undefined;
  }

  /** True as well while it is paused. */
  get isRunning(): boolean {
    return this.child?.isRunning ?? false;
  }

  /**
   * Starts it on its port and resolves when it really answers. Its data is what it was when the server ended, or nothing
   * with `empty`. A server that runs already is left as it is.
   */
  async start({ empty = false }: { empty?: boolean } = {}): Promise<void> {
    const { definition, endings } = this;
    if (this.isRunning) {
      if (empty) throw new Error(`${this.name} is running: stop() or kill() it before it is started empty`);
      return;
    }
    const began = Date.now();
    if (empty) await definition.erase();
    await definition.prepare();
    this.throwIfEndedSince(endings);
    const child = await launchChild({ stopTimeoutMs: STOP_TIMEOUT_MS, ...definition });
    this.child = child;
    void child.exited.then((exit) => {
      if (this.expectedToRun && this.child === child) {
        this.report(`ended by itself (${formatExit(exit)}). ${formatLogEnd(this.logFile, 5)}`);
      }
    });
    try {
      this.throwIfEndedSince(endings);
      await child.waitUntilReady();
    } catch (error) {
      await child.kill();
      throw error;
    }
    this.expectedToRun = true;
    this.report(`ready on ${HOST}:${this.port} (${seconds(Date.now() - began)})`);
  }

  /** Stops it cleanly; what has not stopped within its time is killed. */
  async stop(): Promise<void> {
    await this.ending()?.stop();
  }

  /** SIGKILL to all of its processes; resolves when none of them lives any more. */
  async kill(): Promise<void> {
    await this.ending()?.kill();
  }

  /** Freezes all of its processes (SIGSTOP): connections stay open and nothing answers. */
  pause(): void {
    if (!this.isRunning) throw new Error(`${this.name} is not running: it cannot be paused`);
    this.child?.pause();
  }

  /** Lets a paused server go on. */
  resume(): void {
    this.child?.resume();
  }

  private ending(): Child | undefined {
    this.endings += 1;
    this.expectedToRun = false;
    return this.child;
  }

  private throwIfEndedSince(endings: number): void {
    if (endings !== this.endings) throw new Error(`${this.name} was stopped while it was being started`);
  }

  private report(what: string): void {
    this.onProgress(progressLine(this.name, what));
  }
}
