import { createKafkaProducer, isMessageTooLarge } from '@exact-ratings/shared/clients/kafka-producer.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { waitFor } from '@exact-ratings/shared/runtime/backoff.js';
import { untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import type { Kafka, KafkaMessage, Message, Producer } from 'kafkajs';
import type { WorkerMetrics } from '../metrics.js';
import { DEAD_LETTER_HEADERS } from './dead-letter-headers.js';

/** A message that breaks the contract, with where it came from. */
export interface RejectedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
  readonly reason: string;
}

const MAX_SEND_BYTES = 1_000_000;

/** Sends messages that break the contract to the dead-letter topic. */
export class DeadLetterProducer {
  private readonly producer: Producer;
  private connected = false;
  private sending = 0;
  private blocked = 0;

  constructor(
    kafka: Kafka,
    private readonly topic: string,
    private readonly metrics: WorkerMetrics,
    private readonly logger: Logger,
  ) {
    this.producer = createKafkaProducer(kafka);
  }

  /**
   * Sends them in order and resolves when Kafka has them; tries without end.
   * @throws the signal's reason once aborted.
   */
  async send(rejected: readonly RejectedMessage[], signal: AbortSignal): Promise<void> {
    this.sending += 1;
    try {
      await this.sendInChunks(rejected, signal);
    } finally {
      this.sending -= 1;
    }
  }

  /** Whether some wait to be sent. */
  get isSending(): boolean {
    return this.sending > 0;
  }

  /** Whether the topic refuses some: it is missing, not writable, or has too few replicas. */
  get isBlocked(): boolean {
    return this.blocked > 0;
  }

  private async sendInChunks(rejected: readonly RejectedMessage[], signal: AbortSignal): Promise<void> {
    for (const chunk of chunksOf(rejected, MAX_SEND_BYTES)) {
      await this.sendUntilTaken(chunk, signal);
      this.metrics.deadLetters.inc(chunk.length);
      for (const { topic, partition, message, reason } of chunk) {
        this.logger.warn({ topic, partition, offset: message.offset, reason }, 'a message went to the dead letters');
      }
    }
  }

  private async sendUntilTaken(chunk: readonly RejectedMessage[], signal: AbortSignal): Promise<void> {
    let counted = 0;
    const count = (blocked: number): void => {
      this.blocked += blocked - counted;
      counted = blocked;
      this.metrics.deadLettersBlocked.set(this.blocked);
    };
    try {
      await waitFor(
        `the topic ${this.topic} to take dead letters (is it missing? "npm run migrate" creates it)`,
        async () => {
          try {
            await untilAborted(this.trySend(chunk), signal);
          } catch (error) {
            count(chunk.length);
            throw error;
          }
        },
        this.logger,
        signal,
      );
    } finally {
      count(0);
    }
  }

  async close(): Promise<void> {
    if (this.connected) await this.producer.disconnect();
  }

  private async trySend(chunk: readonly RejectedMessage[]): Promise<void> {
    if (!this.connected) {
      await this.producer.connect();
      this.connected = true;
    }
    try {
      await this.sendMessages(chunk.map((letter) => toDeadLetter(letter)));
    } catch (error) {
      if (!isMessageTooLarge(error)) throw error;
      for (const letter of chunk) await this.sendAlone(letter);
    }
  }

  /** Sends one letter, with as much of it as the topic takes. */
  private async sendAlone(letter: RejectedMessage): Promise<void> {
    for (let omitted = 0; ; omitted += 1) {
      try {
        return await this.sendMessages([toDeadLetter(letter, OMISSIONS.slice(0, omitted))]);
      } catch (error) {
        if (!isMessageTooLarge(error) || omitted === OMISSIONS.length) throw error;
        this.logger.error(
          { reason: errorMessage(error) },
          `a dead letter is too large: sent without its ${OMISSIONS[omitted]}`,
        );
      }
    }
  }

  private async sendMessages(messages: Message[]): Promise<void> {
    await this.producer.send({ topic: this.topic, acks: -1, timeout: 5_000, messages });
  }
}

/** What a letter that is too large is sent without: the first, the first two, then all of these. */
const OMISSIONS = ['value', 'headers', 'key'] as const;

function toDeadLetter(
  { topic, partition, message, reason }: RejectedMessage,
  omitted: ReadonlyArray<(typeof OMISSIONS)[number]> = [],
): Message {
  const without = (part: (typeof OMISSIONS)[number]): boolean => omitted.includes(part);
  return {
    key: without('key') ? null : message.key,
    value: without('value') ? null : message.value,
    headers: {
      ...(without('headers') ? {} : message.headers),
      [DEAD_LETTER_HEADERS.reason]: reason,
      [DEAD_LETTER_HEADERS.topic]: topic,
      [DEAD_LETTER_HEADERS.partition]: String(partition),
      [DEAD_LETTER_HEADERS.offset]: message.offset,
      [DEAD_LETTER_HEADERS.timestamp]: message.timestamp,
      ...(without('value') ? { [DEAD_LETTER_HEADERS.omittedBytes]: String(message.value?.length ?? 0) } : {}),
      ...(without('headers') ? { [DEAD_LETTER_HEADERS.omittedHeaderBytes]: String(headerBytes(message)) } : {}),
      ...(without('key') ? { [DEAD_LETTER_HEADERS.omittedKeyBytes]: String(message.key?.length ?? 0) } : {}),
    },
  };
}

function headerBytes({ headers = {} }: KafkaMessage): number {
  return Object.entries(headers)
    .flatMap(([name, value]) => [name, ...[value ?? ''].flat()])
    .reduce((sum, part) => sum + Buffer.byteLength(part), 0);
}

function chunksOf(rejected: readonly RejectedMessage[], maxBytes: number): RejectedMessage[][] {
  const chunks: RejectedMessage[][] = [];
  let size = Infinity;
  for (const letter of rejected) {
    const bytes =
      (letter.message.value?.length ?? 0) + (letter.message.key?.length ?? 0) + headerBytes(letter.message) + 500;
    if (size + bytes > maxBytes) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)!.push(letter);
    size += bytes;
  }
  return chunks;
}
