import { parseReviewEvent, type ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import type { Batch } from 'kafkajs';
import type { RejectedMessage } from '../dead-letters/dead-letter-producer.js';

/** Messages of one partition, in the order of their offsets. */
export type MessageBatch = Pick<Batch, 'topic' | 'partition' | 'messages'>;

/** Resolves once everything that a batch holds has arrived where it belongs: its offsets may then be committed. */
export type HandleBatch = (batch: MessageBatch) => Promise<void>;

export interface BatchOutputs {
  /** Resolves once the events are in the ratings. */
  readonly dispatch: (events: readonly ReviewEvent[]) => Promise<void>;
  /** Resolves once Kafka has the messages as dead letters. */
  readonly sendDeadLetters: (messages: readonly RejectedMessage[]) => Promise<void>;
}

/**
 * Creates the handler of a batch: valid messages go to `dispatch`, those that break the contract to the dead letters, both at
 * once.
 *
 *     offsets   0      1       2      3
 *     batch    [event, poison, event, poison]
 *     dispatch([0, 2])   sendDeadLetters([1, 3])   → resolves when both have resolved
 *
 * It rejects with the first error of either. The whole batch is then delivered again, which is harmless: events are
 * applied once, and a dead letter may come twice.
 */
export function createBatchHandler({ dispatch, sendDeadLetters }: BatchOutputs): HandleBatch {
  return async ({ topic, partition, messages }) => {
    const events: ReviewEvent[] = [];
    const rejected: RejectedMessage[] = [];
    for (const message of messages) {
      const parsed = parseReviewEvent(message.key, message.value);
      if (parsed.ok) events.push(parsed.event);
      else rejected.push({ topic, partition, message, reason: parsed.reason });
    }
    await Promise.all([dispatch(events), sendDeadLetters(rejected)]);
  };
}
