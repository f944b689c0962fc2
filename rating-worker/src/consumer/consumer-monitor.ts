import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop, type NextRound } from '@exact-ratings/shared/runtime/running-loop.js';
import type { Admin, Kafka } from 'kafkajs';
import type { WorkerMetrics } from '../metrics.js';
import type { PartitionStatus } from './consumer-group.js';
import { StallDetector, type PartitionProgress } from './stall-detector.js';

/** What the monitor sees of a `ConsumerGroup`. */
interface MonitoredConsumer {
  isMember(): boolean;
  partitions(): ReadonlyMap<number, PartitionStatus>;
}

export interface ConsumerMonitorOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  /** A partition that has messages and does not move for this long is stalled. */
  readonly stallMs: number;
  readonly consumer: MonitoredConsumer;
  /** Whether a server that the batches need, other than Kafka, is known to be away. */
  readonly hasReasonToWait: () => Promise<boolean>;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** Called once, with the reason, when the consumer is found stalled. */
  readonly onStalled: (reason: Error) => void;
}

/** A batch in progress is overdue after this many times `stallMs`. (A partition without a batch is stalled after `stallMs`.) */
const OVERDUE_FACTOR = 5;
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Watches the consumer group from outside, over a connection of its own. While Kafka answers, this process must be a member of
 * the group, and its partitions must move as long as they have messages; otherwise kafkajs hangs in a state that only a new
 * process ends.
 */
export class ConsumerMonitor {
  private readonly detector: StallDetector;
  private readonly admin: Admin;
  private readonly loop: RunningLoop;
  private readonly intervalMs: number;
  private connected = false;
  private lastRoundAt = Date.now();
  private outsideSince: number | undefined;
  private stalled = false;

  constructor(private readonly options: ConsumerMonitorOptions) {
    this.detector = new StallDetector(options.stallMs);
    this.admin = options.kafka.admin({ retry: { retries: 0 } });
    this.intervalMs = Math.min(10_000, options.stallMs / 4);
    this.loop = new RunningLoop({
      round: () => this.round(),
      backoff: { initialMs: this.intervalMs, maxMs: this.intervalMs },
      logger: options.logger,
      onFailing: 'the consumer monitor cannot see Kafka',
      onRecovered: 'the consumer monitor sees Kafka again',
    });
  }

  /** Whether the consumer was found stalled; it stays so. */
  get isStalled(): boolean {
    return this.stalled;
  }

  start(): void {
    this.lastRoundAt = Date.now();
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    if (this.connected) await this.admin.disconnect();
  }

  private async round(): Promise<NextRound> {
    // The whole process stood still meanwhile (SIGSTOP, a sleeping laptop): the consumer had no chance either.
    if (Date.now() - this.lastRoundAt > 2 * this.intervalMs) this.reset();
    try {
      if (!this.stalled) await this.check();
    } catch (error) {
      // Kafka does not answer, which explains whatever the consumer does.
      this.reset();
      throw error;
    } finally {
      this.lastRoundAt = Date.now();
    }
    return { afterMs: this.intervalMs, orWhenWoken: true };
  }

  private reset(): void {
    this.outsideSince = undefined;
    this.detector.reset();
  }

  private async check(): Promise<void> {
    const { consumer, stallMs, hasReasonToWait } = this.options;
    const progress = await withDeadline(this.readProgress(), ANSWER_TIMEOUT_MS, 'Kafka did not tell the offsets');
    const now = Date.now();
    if (consumer.isMember()) this.outsideSince = undefined;
    else this.outsideSince ??= now;
    if (this.outsideSince !== undefined && now - this.outsideSince >= stallMs) {
      return this.reportStalled('Kafka answers, but the consumer is no member of its group');
    }
    const stalled = this.detector.observe(progress, now);
    if (stalled.length > 0) {
      return this.reportStalled(`partitions ${stalled.join(', ')} stand still although they have messages`);
    }
    const overdue = [...consumer.partitions()]
      .filter(([, { busySince }]) => now - (busySince ?? now) >= OVERDUE_FACTOR * stallMs)
      .map(([partition]) => partition);
    if (overdue.length > 0 && !(await hasReasonToWait())) {
      this.reportStalled(
        `batches of the partitions ${overdue.join(', ')} do not come to an end, and nothing explains it`,
      );
    }
  }

  private async readProgress(): Promise<PartitionProgress[]> {
    const { topic, groupId, consumer, metrics } = this.options;
    if (!this.connected) {
      await this.admin.connect();
      this.connected = true;
    }
    const bounds = await this.admin.fetchTopicOffsets(topic);
    const [committed] = await this.admin.fetchOffsets({ groupId, topics: [topic] });
    const partitions = consumer.partitions();
    const progress = bounds.flatMap(({ partition, low, high }): PartitionProgress[] => {
      const status = partitions.get(partition);
      if (status === undefined) return [];
      const offset = committed?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
      const position = BigInt(status.position ?? offset);
      return [
        {
          partition,
          position: position > BigInt(low) ? position : BigInt(low),
          end: BigInt(high),
          busy: status.busySince !== undefined,
        },
      ];
    });
    const lag = progress.reduce((sum, { position, end }) => sum + Number(end > position ? end - position : 0n), 0);
    metrics.consumerLag.set(lag);
    return progress;
  }

  private reportStalled(reason: string): void {
    this.stalled = true;
    this.options.onStalled(new Error(`the consumer stands still: ${reason}`));
  }
}
