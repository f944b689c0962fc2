import type { Kafka, Producer } from 'kafkajs';
import { createPartitioner } from './kafka-partitioner.js';

/**
 * A producer whose `send` resolves only when every message was acknowledged by all in-sync replicas (`acks: -1` is the
 * default), or rejects. It never retries by itself: kafkajs's retry asks no broker that has answered before, so where a
 * partition moves to such a broker between two tries, `send` would resolve without having sent that partition's messages.
 * The caller sends all of it again. One request in flight keeps the order; the idempotent producer is experimental.
 */
export function createKafkaProducer(kafka: Kafka): Producer {
  return kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner,
    maxInFlightRequests: 1,
    retry: { retries: 0 },
  });
}

/** Whether Kafka refused messages for their size: one by one, or all those of a partition together. */
export function isMessageTooLarge(error: unknown): boolean {
  const types = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('type' in cause && types.includes(String(cause.type))) return true;
  }
  return false;
}
