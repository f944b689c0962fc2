import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { OutboxMessage, Publisher } from '../outbox/kafka-publisher.js';

/** Stands for Kafka where a test must decide what it answers, and when. */
export interface RecordingPublisher extends Publisher {
  /** What arrived, in its order. */
  readonly messages: OutboxMessage[];
  /** The sizes of the batches that arrived. */
  readonly batches: number[];
  /** How often `send` was called, whatever came of it. */
  readonly attempts: () => number;
  readonly stops: () => number;
}

/** Acknowledges after `behaviour`, which may wait, reject, or never end; what it rejects has not arrived. */
export function recordingPublisher(
  behaviour: (batch: readonly OutboxMessage[]) => Promise<unknown> = async () => undefined,
): RecordingPublisher {
  const messages: OutboxMessage[] = [];
  const batches: number[] = [];
  let attempts = 0;
  let stops = 0;
  return {
    messages,
    batches,
    attempts: () => attempts,
    stops: () => stops,
    send: async (batch, withinMs) => {
      attempts += 1;
      await withDeadline(behaviour(batch), withinMs, 'Kafka did not acknowledge');
      messages.push(...batch);
      batches.push(batch.length);
    },
    stop: async () => {
      stops += 1;
    },
  };
}

/** An acknowledgement that takes as long as Kafka's may: 1 to `maxMs` milliseconds. */
export function slowly(maxMs: number): () => Promise<void> {
  return () => delay(1 + Math.random() * (maxMs - 1));
}

/** The product's numbers in the order in which they arrived. */
export function arrivedSeqs(messages: readonly OutboxMessage[], productId: string): number[] {
  return messages.filter(({ key }) => key === productId).map(({ value }) => (JSON.parse(value) as { seq: number }).seq);
}
