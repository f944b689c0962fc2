import { randomUUID } from 'node:crypto';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { KafkaMessage } from 'kafkajs';
import type { Testbed } from '../testbed.js';

/** Reads the dead-letter topic from its beginning until `count` messages have come, for 60 s at most. */
export async function readDeadLetters(bed: Testbed, count: number): Promise<KafkaMessage[]> {
  const consumer = bed.kafka.consumer({ groupId: `e2e-${randomUUID()}` });
  const letters: KafkaMessage[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: `${bed.topic}.dead-letters`, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void letters.push(message) });
    await waitUntil(() => letters.length >= count, { timeoutMs: 60_000 });
  } finally {
    await consumer.disconnect();
  }
  return letters;
}
