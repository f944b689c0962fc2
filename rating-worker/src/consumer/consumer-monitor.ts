import { sleep } from '@exact-ratings/shared/runtime/backoff.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { settledWithin } from '@exact-ratings/shared/runtime/deadline.js';
import type { Admin, Kafka } from 'kafkajs';
import type { WorkerMetrics } from '../metrics.js';
import { StallDetector, type PartitionProgress } from './stall-detector.js';

interface WatchedConsumer {
  /** Whether the group's coordinator has heard of it lately. */
  isMember(): boolean;
  /** Since when the batch of the partition has been worked on; undefined where none is. */
  busySince(partition: number): number | undefined;
  /** The partitions that are its own, each with the next offset to be done, where it has done any. */
  assigned(): ReadonlyMap<number, string | undefined>;
  /** Whether what it waits for, other than Kafka, is known to be away. */
  hasReasonToWait(): Promise<boolean>;
}

export interface WatchdogOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly stallMs: number;
  readonly consumer: WatchedConsumer;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** Called once, with the reason. */
  readonly onStandstill: (reason: Error) => void;
}

/** A batch may take this many times as long as a partition may stand still: it waits, and says for what. */
const BATCH_PATIENCE = 5;
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Looks at the consumer from outside, with a connection of its own: while Kafka answers, it must be a member of its
 * group, and its partitions must move as long as there is something to read.
 */
export class ConsumerWatchdog {
  private readonly stopping = new AbortController();
  private readonly detector: StallDetector;
  private readonly admin: Admin;
  private connected = false;
  private outsideSince: number | undefined;
  private barked = false;

  constructor(private readonly options: WatchdogOptions) {
    this.detector = new StallDetector(options.stallMs);
    this.admin = options.kafka.admin({ retry: { retries: 0 } });
  }

  get isAlarmed(): boolean {
    return this.barked;
  }

  start(): void {
    void this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.connected) await this.admin.disconnect();
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    const intervalMs = Math.min(10_000, this.options.stallMs / 4);
    while (!signal.aborted && !this.barked) {
      const before = Date.now();
      await sleep(intervalMs, signal);
      if (signal.aborted) return;
      // The whole process was stopped meanwhile: the consumer had no chance either.
      if (Date.now() - before > 2 * intervalMs) this.forgetThePast();
      try {
        await this.look();
      } catch (error) {
        // Kafka does not answer: that is reason enough for whatever the consumer does.
        this.forgetThePast();
        this.options.logger.debug({ reason: errorMessage(error) }, 'the watchdog cannot see Kafka');
      }
    }
  }

  private forgetThePast(): void {
    this.outsideSince = undefined;
    this.detector.reset();
  }

  private async look(): Promise<void> {
    const { consumer, stallMs } = this.options;
    const progress = await within(ANSWER_TIMEOUT_MS, this.readProgress());
    const now = Date.now();
    if (consumer.isMember()) this.outsideSince = undefined;
    else this.outsideSince ??= now;
    if (this.outsideSince !== undefined && now - this.outsideSince >= stallMs) {
      return this.bark('Kafka answers, but the consumer is no member of its group');
    }
    const stalled = this.detector.observe(progress, now);
    if (stalled.length > 0)
      return this.bark(`partitions ${stalled.join(', ')} stand still although they have messages`);

    const overdue = [...consumer.assigned().keys()].filter(
      (partition) => now - (consumer.busySince(partition) ?? now) >= BATCH_PATIENCE * stallMs,
    );
    if (overdue.length > 0 && !(await consumer.hasReasonToWait())) {
      this.bark(`batches of the partitions ${overdue.join(', ')} do not come to an end, and nothing explains it`);
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
    const assigned = consumer.assigned();
    const progress = bounds
      .filter(({ partition }) => assigned.has(partition))
      .map(({ partition, low, high }) => {
        const offset = committed?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
        const position = BigInt(assigned.get(partition) ?? offset);
        return {
          partition,
          position: position > BigInt(low) ? position : BigInt(low),
          end: BigInt(high),
          busy: consumer.busySince(partition) !== undefined,
        };
      });
    const lag = progress.reduce((sum, { position, end }) => sum + Number(end > position ? end - position : 0n), 0);
    metrics.consumerLag.set(lag);
    return progress;
  }

  private bark(reason: string): void {
    this.barked = true;
    this.options.onStandstill(new Error(`the consumer stands still: ${reason}`));
  }
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  if (!(await settledWithin(promise, milliseconds))) throw new Error(`no answer within ${milliseconds} ms`);
  return promise;
}
