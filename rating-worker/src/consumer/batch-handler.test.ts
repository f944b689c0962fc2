import { randomUUID } from 'node:crypto';
import type { ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import type { KafkaMessage } from 'kafkajs';
import type { RejectedMessage } from '../dead-letters/dead-letter-producer.js';
import { createBatchHandler, type MessageBatch } from './batch-handler.js';

function message(offset: number, key: string, value: string): KafkaMessage {
  return {
    offset: String(offset),
    key: Buffer.from(key),
    value: Buffer.from(value),
    timestamp: '0',
    attributes: 0,
    headers: {},
  };
}

function reviewCreated(offset: number, seq: number): KafkaMessage {
  const productId = randomUUID();
  const event = {
    eventId: randomUUID(),
    type: 'review-created',
    schemaVersion: 1,
    productId,
    reviewId: randomUUID(),
    seq,
    previousRating: null,
    rating: 5,
    occurredAt: '2026-01-01T00:00:00Z',
  };
  return message(offset, productId, JSON.stringify(event));
}

const never = new AbortController().signal;
const batchOf = (...messages: KafkaMessage[]): MessageBatch => ({ topic: 'reviews', partition: 3, messages });

test('dispatches the events and sends the rest to the dead letters, each in their order', async () => {
  const dispatched: ReviewEvent[] = [];
  const deadLetters: RejectedMessage[] = [];
  const handle = createBatchHandler({
    dispatch: async (events) => void dispatched.push(...events),
    sendDeadLetters: async (messages) => void deadLetters.push(...messages),
  });
  await handle(
    batchOf(reviewCreated(0, 7), message(1, 'a', 'poison'), reviewCreated(2, 8), message(3, 'b', '{}')),
    never,
  );
  expect(dispatched.map(({ seq }) => seq)).toEqual([7, 8]);
  expect(deadLetters).toMatchObject([
    { topic: 'reviews', partition: 3, message: { offset: '1' }, reason: 'the value is not JSON' },
    { topic: 'reviews', partition: 3, message: { offset: '3' }, reason: 'schemaVersion must be 1' },
  ]);
});

test.each(['dispatch', 'sendDeadLetters'] as const)('does not resolve before %s has', async (slow) => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handle = createBatchHandler({
    dispatch: () => (slow === 'dispatch' ? held : Promise.resolve()),
    sendDeadLetters: () => (slow === 'sendDeadLetters' ? held : Promise.resolve()),
  });
  let resolved = false;
  const handled = handle(batchOf(reviewCreated(0, 1), message(1, 'a', 'poison')), never).then(() => {
    resolved = true;
  });
  await new Promise(setImmediate);
  expect(resolved).toBe(false);
  release();
  await handled;
});

test.each(['dispatch', 'sendDeadLetters'] as const)('rejects with the error of %s', async (broken) => {
  const handle = createBatchHandler({
    dispatch: () => (broken === 'dispatch' ? Promise.reject(new Error('no')) : Promise.resolve()),
    sendDeadLetters: () => (broken === 'sendDeadLetters' ? Promise.reject(new Error('no')) : Promise.resolve()),
  });
  await expect(handle(batchOf(reviewCreated(0, 1)), never)).rejects.toThrow('no');
});

test('does not wait longer for a blocked dead-letter topic than allowed, and hands out what is unsent', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handle = createBatchHandler({
    dispatch: () => Promise.resolve(),
    sendDeadLetters: () => held,
    deadLetterWaitMs: 20,
  });
  const { unsent } = await handle(batchOf(reviewCreated(0, 1), message(1, 'a', 'poison')), never);
  expect(unsent).toBeInstanceOf(Promise);
  release();
  await unsent;
});
