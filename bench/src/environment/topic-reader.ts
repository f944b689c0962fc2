import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import { countMessages } from './pipeline.js';
import type { World } from './world.js';

const READ_TIMEOUT_MS = 60_000;

/** What the bench needs of an event. */
export interface CapturedEvent {
  readonly productId: string;
  readonly seq: number;
  /** When the trigger captured the change, with the stream's row locked: just before its commit. Unix ms. */
  readonly occurredAt: number;
}

/** All events that are in the topic now, read after a measurement, so that reading does not disturb it. */
export async function readEvents(world: World): Promise<CapturedEvent[]> {
  const total = await countMessages(world);
  const events: CapturedEvent[] = [];
  if (total === 0) return events;
  const consumer = world.kafka.consumer({ groupId: `${world.topic}-reader-${Date.now().toString(36)}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: world.topic, fromBeginning: true });
    const complete = new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        const { productId, seq, occurredAt } = JSON.parse(message.value?.toString() ?? '') as Record<string, string>;
        events.push({ productId: productId!, seq: Number(seq), occurredAt: Date.parse(occurredAt!) });
        if (events.length === total) resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
    await withDeadline(complete, READ_TIMEOUT_MS, `The ${total} events of the topic were not read`);
    return events;
  } finally {
    await consumer.disconnect();
  }
}
