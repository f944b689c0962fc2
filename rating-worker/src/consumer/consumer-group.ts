import { sleep, waitFor } from '@exact-ratings/shared/runtime/backoff.js';
import { settledWithin, untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Consumer, ConsumerConfig as KafkaConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs';
import type { BatchResult, HandleBatch } from './batch-handler.js';
import type { ConsumerConfig } from './consumer-config.js';
import type { OffsetCommitter } from './offset-committer.js';

/** While a rebalance waits, a batch may take this long to finish; then it is left to the partition's next owner. */
const FINISH_BEFORE_REBALANCE_MS = 20_000;
const HEARTBEAT_INTERVAL_MS = 3_000;
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** kafkajs's options for the consumer of a `ConsumerGroup`. */
export function consumerOptions(config: ConsumerConfig): KafkaConsumerConfig {
  return {
    groupId: config.groupId,
    sessionTimeout: config.sessionTimeoutMs,
    rebalanceTimeout: 2 * FINISH_BEFORE_REBALANCE_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    // With 50 ms the 20 fetches a second of an idle worker took Kafka 42 ms of CPU. kafkajs fetches over a connection of its own, so
    // that heartbeats and commits do not wait for it.
    maxWaitTimeInMs: config.fetchMaxWaitMs,
    metadataMaxAge: config.metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 5, restartOnFailure: () => Promise.resolve(true) },
  };
}

export interface ConsumerGroupOptions {
  readonly topic: string;
  readonly config: ConsumerConfig;
  readonly kafka: Kafka;
  /** Made with `consumerOptions`. */
  readonly consumer: Consumer;
  readonly offsets: OffsetCommitter;
  readonly handleBatch: HandleBatch;
  readonly logger: Logger;
  /** Ends the waits of the batches in flight. */
  readonly signal: AbortSignal;
  /** Called when kafkajs does not recover from a crash; the process has to be started again. */
  readonly onCrash: (error: Error) => void;
}

/** How an assigned partition stands. */
export interface PartitionStatus {
  /** The next offset to handle; undefined where this process has handled none. */
  readonly position: string | undefined;
  /** Since when its batch has been handled, in ms since 1970; undefined where none is. */
  readonly busySince: number | undefined;
}

/**
 * The membership in Kafka's consumer group: fetches batches, has each handled and only then moves the partition's offset.
 * While a batch is being handled, heartbeats keep the membership. Nothing is thrown out of `eachBatch`, because kafkajs takes
 * some errors there as fatal.
 */
export class ConsumerGroup {
  private readonly busySince = new Map<number, number>();
  /** Partitions whose dead letters Kafka does not take. */
  private readonly blocked = new Set<number>();
  /** Ends with the generation: what was fetched in it may belong to others afterwards. */
  private generationEnd = new AbortController();
  private commitTimer: NodeJS.Timeout | undefined;
  private committing: Promise<void> | undefined;
  private partitionCount = 0;
  private stopping = false;
  private joined = false;
  private lastContact = 0;

  constructor(private readonly options: ConsumerGroupOptions) {
    this.listen();
  }

  /** Waits for Kafka and its topic, and connects. @throws the signal's reason once aborted. */
  async connect(signal: AbortSignal): Promise<void> {
    const { logger } = this.options;
    this.partitionCount = await waitFor('Kafka and its topic', () => this.countPartitions(), logger, signal);
    await waitFor('Kafka', () => untilAborted(this.subscribe(), signal), logger, signal);
  }

  /** Joins the group and begins to fetch; resolves once this process is a member. */
  async run(): Promise<void> {
    const { config, consumer } = this.options;
    this.commitTimer = setInterval(() => {
      // One at a time: while Kafka is down, a commit takes longer than the interval.
      this.committing ??= this.commit().finally(() => {
        this.committing = undefined;
      });
    }, config.commitIntervalMs);
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: Math.max(config.minPartitionConcurrency, this.partitionCount),
      eachBatch: (payload) => this.eachBatch(payload),
    });
  }

  /** Whether the group's coordinator has answered lately. */
  isMember(): boolean {
    return this.joined && Date.now() - this.lastContact < this.options.config.sessionTimeoutMs;
  }

  /** The assigned partitions. */
  partitions(): Map<number, PartitionStatus> {
    return new Map(
      [...this.options.offsets.positions()].map(([partition, position]) => [
        partition,
        { position, busySince: this.busySince.get(partition) },
      ]),
    );
  }

  /**
   * Fetches no more, lets the batches in flight finish, commits, leaves the group. After `timeoutMs`, `giveUp` ends the waits
   * of the batches; where Kafka is down, the rest is abandoned a second later.
   */
  async stop(timeoutMs: number, giveUp: () => void): Promise<void> {
    this.stopping = true;
    clearInterval(this.commitTimer);
    const stopped = (async () => {
      await this.committing;
      await this.commit();
      await this.options.consumer.disconnect();
    })();
    if (await settledWithin(stopped, timeoutMs)) return;
    this.options.logger.warn('the batches in flight did not finish in time; Kafka delivers them again');
    giveUp();
    await settledWithin(stopped, 1_000);
  }

  private async countPartitions(): Promise<number> {
    const { topic, kafka } = this.options;
    const admin = kafka.admin({ retry: { retries: 1 } });
    try {
      await admin.connect();
      if (!(await admin.listTopics()).includes(topic)) {
        throw new Error(`the topic ${topic} does not exist: "npm run migrate" creates it`);
      }
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length ?? 0;
    } finally {
      await admin.disconnect();
    }
  }

  private async subscribe(): Promise<void> {
    const { topic, consumer } = this.options;
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
  }

  private listen(): void {
    const { topic, consumer, offsets, logger, onCrash } = this.options;
    const { events } = consumer;
    consumer.on(events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? [];
      offsets.assign(partitions);
      this.beginGeneration();
      this.joined = true;
      this.lastContact = Date.now();
      logger.info({ partitions }, 'joined the consumer group');
    });
    consumer.on(events.HEARTBEAT, () => {
      this.lastContact = Date.now();
    });
    for (const event of [events.REBALANCING, events.DISCONNECT, events.STOP]) {
      consumer.on(event, () => {
        this.joined = false;
      });
    }
    consumer.on(events.CRASH, ({ payload }) => {
      this.joined = false;
      if (payload.restart) logger.warn({ reason: errorMessage(payload.error) }, 'the consumer restarts');
      else onCrash(new Error('the consumer crashed for good', { cause: payload.error }));
    });
  }

  /** Partitions that were blocked are fetched again from what is committed, by whoever owns them now. */
  private beginGeneration(): void {
    const { topic, consumer } = this.options;
    this.generationEnd.abort(new Error('the generation is over'));
    this.generationEnd = new AbortController();
    if (this.blocked.size > 0) consumer.resume([{ topic, partitions: [...this.blocked] }]);
    for (const partition of this.blocked) this.busySince.delete(partition);
    this.blocked.clear();
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, commitOffsetsIfNecessary } = payload;
    const { offsets, handleBatch, logger, signal } = this.options;
    const { generation } = offsets;
    let result: BatchResult | undefined;
    this.busySince.set(batch.partition, Date.now());
    const work = handleBatch(batch, AbortSignal.any([signal, this.generationEnd.signal])).then(
      (handled) => {
        result = handled;
      },
      async (error: unknown) => {
        if (signal.aborted) return;
        logger.error({ err: error }, 'a batch could not be handled; it is fetched again');
        await sleep(PAUSE_AFTER_FAILURE_MS, signal);
      },
    );
    const rebalancing = await this.heartbeatUntil(work, payload);
    if (result?.unsent !== undefined) return this.block(payload, result.unsent, generation);
    this.busySince.delete(batch.partition);
    if (result === undefined || !this.markDone(payload, generation)) return;
    // Not by the consumer: once it is stopping, it commits nothing.
    if (rebalancing || this.stopping) await offsets.commit((positions) => commitOffsetsIfNecessary(positions));
  }

  private markDone({ batch, resolveOffset }: EachBatchPayload, generation: number): boolean {
    if (!this.options.offsets.markDone(batch.partition, batch.lastOffset(), generation)) return false;
    resolveOffset(batch.lastOffset());
    return true;
  }

  /**
   * Fetches nothing more of the partition until Kafka has taken its dead letters; the other partitions go on. The offset does not
   * move before, so a crash loses nothing.
   */
  private block(payload: EachBatchPayload, unsent: Promise<void>, generation: number): void {
    const { partition } = payload.batch;
    const resume = payload.pause();
    this.blocked.add(partition);
    unsent.then(
      () => {
        if (!this.markDone(payload, generation)) return;
        this.blocked.delete(partition);
        this.busySince.delete(partition);
        resume();
      },
      // Aborted: the generation is over, or the process stops. The messages are delivered again.
      () => undefined,
    );
  }

  /**
   * Returns when the work is over, or is taking too long for the others who wait for a rebalance.
   * @returns whether a rebalance waits; the next heartbeat, by kafkajs itself, joins it.
   */
  private async heartbeatUntil(work: Promise<void>, { heartbeat }: EachBatchPayload): Promise<boolean> {
    let rebalancingSince: number | undefined;
    while (!(await settledWithin(work, HEARTBEAT_INTERVAL_MS / 2))) {
      try {
        await heartbeat();
      } catch (error) {
        this.options.logger.debug({ reason: errorMessage(error) }, 'a heartbeat failed');
        rebalancingSince ??= Date.now();
        if (Date.now() - rebalancingSince > FINISH_BEFORE_REBALANCE_MS) break;
      }
    }
    return rebalancingSince !== undefined;
  }

  private commit(): Promise<void> {
    const { consumer, offsets } = this.options;
    return offsets.commit(({ topics }) =>
      consumer.commitOffsets(
        topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, ...partition }))),
      ),
    );
  }
}
