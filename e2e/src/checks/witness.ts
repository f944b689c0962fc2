import { randomUUID } from 'node:crypto';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Testbed } from '../testbed.js';

/** One event, as the topic or the outbox has it. */
export interface SightedEvent {
  readonly id: string;
  readonly productId: string;
  readonly seq: number;
  /** Of the topic; undefined for an event of the outbox. */
  readonly partition?: number;
}

/**
 * Records every event that is committed from now on, in a table of its own: a trigger copies each row of the outbox in
 * the transaction that writes it. The outbox itself forgets what it has published.
 */
export async function recordCommittedEvents(bed: Testbed): Promise<void> {
  await bed.pool.query(`
    CREATE TABLE IF NOT EXISTS public.e2e_committed_events (id uuid, product_id uuid, seq integer);
    CREATE OR REPLACE FUNCTION public.e2e_record_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO public.e2e_committed_events VALUES (NEW.id, NEW.aggregateid, NEW.seq);
      RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER e2e_record AFTER INSERT ON outbox
      FOR EACH ROW EXECUTE FUNCTION public.e2e_record_event();`);
}

/** The events of these products that were committed since `recordCommittedEvents`. */
export async function readCommittedEvents(bed: Testbed, productIds: readonly string[]): Promise<SightedEvent[]> {
  const { rows } = await bed.pool.query<{ id: string; product_id: string; seq: number }>(
    'SELECT id, product_id, seq FROM public.e2e_committed_events WHERE product_id = ANY ($1)',
    [productIds],
  );
  return rows.map(({ id, product_id, seq }) => ({ id, productId: product_id, seq }));
}

/**
 * Reads the whole topic with a plain consumer, from the first offset of each partition to what is its end at the call.
 * @returns the events, those of one partition in the order of their offsets
 * @throws when the end was not reached within `timeoutMs`
 */
export async function readTopic(bed: Testbed, timeoutMs = 60_000): Promise<SightedEvent[]> {
  const admin = bed.kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(bed.topic);
  await admin.disconnect();
  const unread = new Map(
    ends.filter(({ low, high }) => Number(high) > Number(low)).map(({ partition, high }) => [partition, Number(high)]),
  );
  const events: SightedEvent[] = [];
  const consumer = bed.kafka.consumer({ groupId: `e2e-witness-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: bed.topic, fromBeginning: true });
    await consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { value } of batch.messages) {
          const { eventId, productId, seq } = JSON.parse(String(value)) as {
            eventId: string;
            productId: string;
            seq: number;
          };
          events.push({ id: eventId, productId, seq, partition: batch.partition });
        }
        if (Number(batch.lastOffset()) + 1 >= (unread.get(batch.partition) ?? Infinity)) unread.delete(batch.partition);
      },
    });
    const all = await waitUntil(() => unread.size === 0, { timeoutMs, intervalMs: 50 });
    if (all !== true)
      throw new Error(`the witness did not reach the end of partitions ${[...unread.keys()].join(', ')}`);
  } finally {
    await consumer.disconnect();
  }
  return events;
}

/** The partition of each product that has events in the topic. */
export async function readPartitions(bed: Testbed): Promise<Map<string, number>> {
  const events = await readTopic(bed);
  return new Map(events.map(({ productId, partition }) => [productId, partition!]));
}

/**
 * Compares the events in the topic with those that were committed. Every committed event must be there, nothing else,
 * and of each product the sequence numbers 1, 2, 3 … must be sighted for the first time in that order; what is sighted
 * again is a duplicate and allowed.
 * @returns one line a kind of violation, with its count and the first example
 */
export function findTopicViolations(committed: readonly SightedEvent[], sighted: readonly SightedEvent[]): string[] {
  const products = new Set(committed.map(({ productId }) => productId));
  const ours = sighted.filter(({ productId }) => products.has(productId));
  const sightedIds = new Set(ours.map(({ id }) => id));
  const committedIds = new Set(committed.map(({ id }) => id));
  const lost = committed.filter(({ id }) => !sightedIds.has(id));
  const invented = ours.filter(({ id }) => !committedIds.has(id));
  const lastSeqs = new Map<string, number>();
  const disordered: SightedEvent[] = [];
  for (const event of ours) {
    const last = lastSeqs.get(event.productId) ?? 0;
    if (event.seq > last + 1) disordered.push(event);
    lastSeqs.set(event.productId, Math.max(last, event.seq));
  }
  const kinds = [
    [lost, 'were committed and are not in the topic'],
    [invented, 'are in the topic and were not committed'],
    [disordered, 'were sighted before their predecessor'],
  ] as const;
  return kinds.flatMap(([events, what]) => {
    const [first] = events;
    if (first === undefined) return [];
    return [
      `topic: ${events.length} of ${committed.length} events ${what}, such as ${first.seq} of ${first.productId}`,
    ];
  });
}
