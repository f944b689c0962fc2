import { HOST, type ManagedServer } from './managed-server.js';

/** The brokers of a stack: each can be stopped, killed, frozen and started by itself (`brokers[1].kill()`), or all at once. */
export class KafkaCluster {
  readonly host = HOST;

  constructor(readonly brokers: readonly ManagedServer[]) {}

  get name(): string {
    return this.brokers[0]!.name;
  }

  /** The first broker's; the addresses of all stand in `stack.env.KAFKA_BROKER`. */
  get port(): number {
    return this.brokers[0]!.port;
  }

  get logFile(): string {
    return this.brokers[0]!.logFile;
  }

  /** The first broker's. */
  get pid(): number | undefined {
    return this.brokers[0]!.pid;
  }

  get isRunning(): boolean {
    return this.brokers.some(({ isRunning }) => isRunning);
  }

  async start(options?: { empty?: boolean }): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.start(options)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
  }

  pause(): void {
    for (const broker of this.brokers) broker.pause();
  }

  resume(): void {
    for (const broker of this.brokers) broker.resume();
  }
}
