import { parseReviewEvent, type ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { sleep, waitFor } from '@exact-ratings/shared/runtime/backoff.js';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { settledWithin, untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import type { Batch, Consumer, EachBatchPayload, Kafka, OffsetsByTopicPartition } from 'kafkajs';
import type { RatingWorkerConfig } from '../config.js';
import type { WorkerMetrics } from '../metrics.js';
import { DeadLetters, type RejectedMessage } from '../dead-letters/dead-letter-producer.js';
import { ConsumerWatchdog } from './consumer-monitor.js';
import type { Dispatcher } from './job-dispatcher.js';
import { OffsetCommitter } from './offset-committer.js';

/** While a rebalance waits for us, a batch may take this long to finish; then it is left to the partition's next owner. */
const FINISH_BEFORE_REBALANCE_MS = 20_000;
const HEARTBEAT_INTERVAL_MS = 3_000;
const PAUSE_AFTER_FAILURE_MS = 1_000;

export interface ReviewConsumerOptions {
  readonly config: RatingWorkerConfig;
  readonly dispatcher: Dispatcher;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** Ends the waits of the batches in flight. */
  readonly signal: AbortSignal;
  /** Hears of a crash or a standstill that kafkajs does not recover from; the process has to be started again. */
  readonly onFatal: (error: unknown) => void;
  /** Whether Redis or PostgreSQL is away, so that a batch may wait. */
  readonly serversAreAway: () => Promise<boolean>;
  /** For tests: what stands in for kafkajs's consumer. */
  readonly wrapConsumer?: ((consumer: Consumer) => Consumer) | undefined;
}

/**
 * Kafka's side: a batch is parsed, its jobs are awaited, only then its offset moves. While a batch is worked on,
 * heartbeats keep the group membership. Nothing is thrown out of `eachBatch`: kafkajs takes some errors as fatal.
 */
export class ReviewConsumer {
  private readonly kafka: Kafka;
  private readonly consumer: Consumer;
  private readonly deadLetters: DeadLetters;
  private readonly offsets: OffsetCommitter;
  private readonly watchdog: ConsumerWatchdog;
  private readonly busySince = new Map<number, number>();
  private commitTimer: NodeJS.Timeout | undefined;
  private committing: Promise<void> | undefined;
  private stopping = false;
  private joined = false;
  private lastContact = 0;

  constructor(private readonly options: ReviewConsumerOptions) {
    const { config, metrics, logger, signal } = options;
    this.kafka = createKafkaClient(config.kafka, 'rating-worker', logger);
    const consumer = this.kafka.consumer({
      groupId: config.consumer.groupId,
      sessionTimeout: config.consumer.sessionTimeoutMs,
      rebalanceTimeout: 2 * FINISH_BEFORE_REBALANCE_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      maxWaitTimeInMs: 50,
      metadataMaxAge: config.consumer.metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 5, restartOnFailure: () => Promise.resolve(true) },
    });
    this.consumer = options.wrapConsumer?.(consumer) ?? consumer;
    this.deadLetters = new DeadLetters(this.kafka, config.kafka.deadLetterTopic, metrics, logger, signal);
    this.offsets = new OffsetCommitter(config.kafka.topic, logger);
    this.watchdog = new ConsumerWatchdog({
      kafka: this.kafka,
      topic: config.kafka.topic,
      groupId: config.consumer.groupId,
      stallMs: config.consumer.stallTimeoutMs,
      consumer: {
        isMember: () => this.isMember(),
        busySince: (partition) => this.busySince.get(partition),
        assigned: () => this.offsets.positions(),
        hasReasonToWait: async () => this.deadLetters.isSending || (await options.serversAreAway()),
      },
      metrics,
      logger,
      onStandstill: options.onFatal,
    });
    this.listen();
  }

  /** Waits for Kafka and its topic until the signal is aborted; resolves once this process is a member of the group. */
  async start(signal: AbortSignal): Promise<void> {
    const { config, logger } = this.options;
    const partitions = await waitFor('Kafka and its topic', () => this.countPartitions(), logger, signal);
    await waitFor('Kafka', () => untilAborted(this.connect(), signal), logger, signal);
    if (signal.aborted) return;
    this.watchdog.start();
    this.commitTimer = setInterval(() => {
      // One at a time: while Kafka is down, a commit takes longer than the interval.
      this.committing ??= this.commit().finally(() => {
        this.committing = undefined;
      });
    }, config.consumer.commitIntervalMs);
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: Math.max(config.consumer.minPartitionConcurrency, partitions),
      eachBatch: (payload) => this.eachBatch(payload),
    });
  }

  /** A member of the group whose partitions move. */
  isReady(): boolean {
    return this.isMember() && !this.watchdog.isAlarmed;
  }

  /** The group's coordinator has heard of it lately. */
  private isMember(): boolean {
    return this.joined && Date.now() - this.lastContact < this.options.config.consumer.sessionTimeoutMs;
  }

  /**
   * Fetches no more, lets the batches in flight finish, commits, leaves the group. After the time given, `giveUp` ends
   * the waits of the batches; where Kafka is down, that is the end of it a little later.
   */
  async stop(timeoutMs: number, giveUp: () => void): Promise<void> {
    this.stopping = true;
    clearInterval(this.commitTimer);
    const stopped = (async () => {
      await this.watchdog.stop();
      await this.committing;
      await this.commit();
      await this.consumer.disconnect();
      await this.deadLetters.close();
    })();
    if (await settledWithin(stopped, timeoutMs)) return;
    this.options.logger.warn('the batches in flight did not finish in time; they will come again from Kafka');
    giveUp();
    await settledWithin(stopped, 1_000);
  }

  private async countPartitions(): Promise<number> {
    const { topic } = this.options.config.kafka;
    const admin = this.kafka.admin({ retry: { retries: 1 } });
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

  private async connect(): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.options.config.kafka.topic, fromBeginning: true });
  }

  private listen(): void {
    const { events } = this.consumer;
    const { config, logger, onFatal } = this.options;
    this.consumer.on(events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[config.kafka.topic] ?? [];
      this.offsets.assign(partitions);
      this.joined = true;
      this.lastContact = Date.now();
      logger.info({ partitions }, 'joined the consumer group');
    });
    this.consumer.on(events.HEARTBEAT, () => {
      this.lastContact = Date.now();
    });
    for (const event of [events.REBALANCING, events.DISCONNECT, events.STOP]) {
      this.consumer.on(event, () => {
        this.joined = false;
      });
    }
    this.consumer.on(events.CRASH, ({ payload }) => {
      this.joined = false;
      if (payload.restart) logger.warn({ reason: errorMessage(payload.error) }, 'the consumer restarts');
      else onFatal(new Error('the consumer crashed for good', { cause: payload.error }));
    });
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, commitOffsetsIfNecessary } = payload;
    let done = false;
    this.busySince.set(batch.partition, Date.now());
    const work = this.work(batch).then(
      () => {
        done = true;
      },
      async (error: unknown) => {
        const { logger, signal } = this.options;
        if (signal.aborted) return;
        logger.error({ err: error }, 'a batch could not be worked on; it is fetched again');
        await sleep(PAUSE_AFTER_FAILURE_MS, signal);
      },
    );
    const rebalancing = await this.heartbeatUntil(work, payload);
    this.busySince.delete(batch.partition);
    if (!done) return;
    resolveOffset(batch.lastOffset());
    this.offsets.markDone(batch.partition, batch.lastOffset());
    if (rebalancing || this.stopping) await this.offsets.commit((offsets) => commitOffsetsIfNecessary(offsets));
  }

  private async work({ topic, partition, messages }: Batch): Promise<void> {
    const events: ReviewEvent[] = [];
    const rejected: RejectedMessage[] = [];
    for (const message of messages) {
      const parsed = parseReviewEvent(message.key, message.value);
      if (parsed.ok) events.push(parsed.event);
      else rejected.push({ topic, partition, message, reason: parsed.reason });
    }
    await Promise.all([this.options.dispatcher.dispatch(events), this.deadLetters.send(rejected)]);
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
    return this.offsets.commit((offsets) => this.consumer.commitOffsets(toList(offsets)));
  }
}

function toList({ topics }: OffsetsByTopicPartition): Array<{ topic: string; partition: number; offset: string }> {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, ...partition })));
}
