import type { KafkaConfig } from '@exact-ratings/shared/config/server-config.js';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { Partitioners, type Producer } from 'kafkajs';

/** One message of the topic: the key is the product's id, so a product's events stay in one partition. */
export interface OutboxMessage {
  readonly key: string;
  readonly value: string;
}

export interface Publisher {
  /**
   * Sends the messages in this order and waits for the acknowledgement of all replicas, some ten seconds at most.
   * Rejects where Kafka did not acknowledge; they may have arrived all the same.
   */
  send(messages: readonly OutboxMessage[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A publisher on kafkajs, which only this folder knows. `acks: -1` with one request in flight keeps the order; the
 * idempotent producer is experimental there, and a message that is sent twice is a duplicate to its consumers.
 */
export function createKafkaPublisher(config: KafkaConfig, logger: Logger): Publisher {
  const kafka = createKafkaClient(config, 'graph-api', logger);
  let producer: Producer | null = null;

  const connected = async (): Promise<Producer> => {
    if (producer !== null) return producer;
    const candidate = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      maxInFlightRequests: 1,
    });
    try {
      await candidate.connect();
    } catch (error) {
      await candidate.disconnect().catch(() => undefined);
      throw error;
    }
    producer = candidate;
    return candidate;
  };

  const disconnect = async (): Promise<void> => {
    const old = producer;
    producer = null;
    await old?.disconnect().catch(() => undefined);
  };

  return {
    send: async (messages) => {
      const open = await connected();
      try {
        await open.send({ topic: config.topic, acks: -1, timeout: 5_000, messages: [...messages] });
      } catch (error) {
        // A new connection, and new metadata, for the next try.
        await disconnect();
        throw error;
      }
    },
    stop: disconnect,
  };
}
