import { parseReviewEvent, type ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { settledWithin } from '@exact-ratings/shared/runtime/deadline.js';
import type { Batch } from 'kafkajs';
import type { RejectedMessage } from '../dead-letters/dead-letter-producer.js';

/** Messages of one partition, in the order of their offsets. */
export type MessageBatch = Pick<Batch, 'topic' | 'partition' | 'messages'>;

/** What a handled batch leaves behind. */
export interface BatchResult {
  /** Resolves once Kafka has the dead letters that it did not take in time; undefined where none are left. */
  readonly unsent: Promise<void> | undefined;
}

/**
 * Resolves once the events of the batch are in the ratings. Its offsets may be committed when no dead letters are `unsent` either.
 * @param signal ends the attempts to send dead letters
 */
export type HandleBatch = (batch: MessageBatch, signal: AbortSignal) => Promise<BatchResult>;

export interface BatchOutputs {
  /** Resolves once the events are in the ratings. */
  readonly dispatch: (events: readonly ReviewEvent[]) => Promise<void>;
  /** Resolves once Kafka has the messages as dead letters. */
  readonly sendDeadLetters: (messages: readonly RejectedMessage[], signal: AbortSignal) => Promise<void>;
  /** Dead letters are waited for this long; kafkajs fetches nothing from a broker while any of its batches is being handled. */
  readonly deadLetterWaitMs?: number;
}

/**
 * Creates the handler of a batch: valid messages go to `dispatch`, those that break the contract to the dead letters, both at
 * once.
 *
 *     offsets   0      1       2      3
 *     batch    [event, poison, event, poison]
 *     dispatch([0, 2])   sendDeadLetters([1, 3])   → resolves when both have resolved, or with the second as `unsent`
 *
 * It rejects with the first error of either. The whole batch is then delivered again, which is harmless: events are
 * applied once, and a dead letter may come twice.
 */
export function createBatchHandler({ dispatch, sendDeadLetters, deadLetterWaitMs = 2_000 }: BatchOutputs): HandleBatch {
  return async ({ topic, partition, messages }, signal) => {
    const events: ReviewEvent[] = [];
    const rejected: RejectedMessage[] = [];
    for (const message of messages) {
      const parsed = parseReviewEvent(message.key, message.value);
      if (parsed.ok) events.push(parsed.event);
      else rejected.push({ topic, partition, message, reason: parsed.reason });
    }
    const sent = sendDeadLetters(rejected, signal);
    const [inTime] = await Promise.all([settledWithin(sent, deadLetterWaitMs), dispatch(events)]);
    if (!inTime) return { unsent: sent };
    await sent;
    return { unsent: undefined };
  };
}
