import type { KafkaConfig } from '@exact-ratings/shared/config/server-config.js';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import { createKafkaProducer } from '@exact-ratings/shared/clients/kafka-producer.js';
import { settledWithin, withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Producer } from 'kafkajs';

/** One message of the topic: the key is the product's id, so a product's events stay in one partition. */
export interface OutboxMessage {
  readonly key: string;
  readonly value: string;
}

export interface Publisher {
  /**
   * Sends the messages in this order and waits for the acknowledgement of all in-sync replicas, for `withinMs` at most.
   * @throws Error where Kafka did not acknowledge all of them in time; any of them may have arrived all the same
   */
  send(messages: readonly OutboxMessage[], withinMs: number): Promise<void>;
  stop(): Promise<void>;
}

const DISCONNECT_MS = 1_000;

export function createKafkaPublisher(config: KafkaConfig, logger: Logger): Publisher {
  const kafka = createKafkaClient(config, 'graph-api', logger);
  return new KafkaPublisher(config.topic, () => createKafkaProducer(kafka));
}

/** A publisher on kafkajs's producers: one at a time, and a new one, with new metadata, after each failure. */
export class KafkaPublisher implements Publisher {
  private producer: Promise<Producer> | null = null;

  constructor(
    private readonly topic: string,
    private readonly createProducer: () => Producer,
  ) {}

  async send(messages: readonly OutboxMessage[], withinMs: number): Promise<void> {
    const producer = (this.producer ??= this.connect());
    try {
      await withDeadline(this.sendBy(producer, messages), withinMs, 'Kafka did not acknowledge');
    } catch (error) {
      // Whatever this producer still does, and however late it fails, the next send has one of its own.
      if (this.producer === producer) this.producer = null;
      void disconnect(producer);
      throw error;
    }
  }

  async stop(): Promise<void> {
    const { producer } = this;
    this.producer = null;
    if (producer !== null) await settledWithin(disconnect(producer), DISCONNECT_MS);
  }

  private async connect(): Promise<Producer> {
    const producer = this.createProducer();
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      await producer.disconnect().catch(() => undefined);
      throw error;
    }
  }

  private async sendBy(producer: Promise<Producer>, messages: readonly OutboxMessage[]): Promise<void> {
    await (await producer).send({ topic: this.topic, acks: -1, timeout: 5_000, messages: [...messages] });
  }
}

async function disconnect(producer: Promise<Producer>): Promise<void> {
  await producer.then((open) => open.disconnect()).catch(() => undefined);
}
