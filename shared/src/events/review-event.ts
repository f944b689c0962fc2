import { isUuid } from './uuid.js';

/**
 * The review-event contract between the outbox (producer) and the worker (consumer): Kafka topic `review-events`,
 * key = `productId`, value = this object as JSON.
 */

const REVIEW_EVENT_TYPES = ['review-created', 'review-updated', 'review-deleted', 'product-deleted'] as const;
type ReviewEventType = (typeof REVIEW_EVENT_TYPES)[number];

const REVIEW_EVENT_SCHEMA_VERSION = 1;

/** PostgreSQL `integer`, and GraphQL `Int`. */
export const MAX_SEQUENCE = 2_147_483_647;

/** A star rating that counts: 1 to 5. */
export type Stars = 1 | 2 | 3 | 4 | 5;

interface ReviewEventBase {
  /** UUID, the outbox row's id. */
  readonly eventId: string;
  readonly schemaVersion: typeof REVIEW_EVENT_SCHEMA_VERSION;
  readonly productId: string;
  /** The change's sequence number in the product's stream: 1, 2, 3 … without holes. */
  readonly seq: number;
  /** ISO 8601, UTC: when the trigger captured the change. */
  readonly occurredAt: string;
}

/** One review's change: the rating that counted before, and the one that counts now (null: none counts). */
interface ReviewChangedEvent extends ReviewEventBase {
  readonly type: 'review-created' | 'review-updated' | 'review-deleted';
  readonly reviewId: string;
  readonly previousRating: Stars | null;
  readonly rating: Stars | null;
}

/** The product and all its reviews are gone. */
interface ProductDeletedEvent extends ReviewEventBase {
  readonly type: 'product-deleted';
  readonly reviewId: null;
  readonly previousRating: null;
  readonly rating: null;
}

export type ReviewEvent = ReviewChangedEvent | ProductDeletedEvent;

export type ParseResult =
  { readonly ok: true; readonly event: ReviewEvent } | { readonly ok: false; readonly reason: string };

const UTC_TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/;

/**
 * Parses one Kafka message strictly. Fields that the contract does not name are ignored, so that a newer producer
 * may add some. Never throws: kafkajs takes a SyntaxError or TypeError out of `eachBatch` as fatal.
 */
export function parseReviewEvent(key: Buffer | null, value: Buffer | null): ParseResult {
  if (value === null) return invalid('the value is null');
  let fields: unknown;
  try {
    fields = JSON.parse(value.toString('utf8'));
  } catch {
    return invalid('the value is not JSON');
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    return invalid('the value is not a JSON object');
  }
  const { eventId, type, schemaVersion, productId, reviewId, seq, previousRating, rating, occurredAt } =
    fields as Record<string, unknown>;

  if (schemaVersion !== REVIEW_EVENT_SCHEMA_VERSION) {
    return invalid(`schemaVersion must be ${REVIEW_EVENT_SCHEMA_VERSION}`);
  }
  if (!isEventType(type)) return invalid(`type must be one of ${REVIEW_EVENT_TYPES.join(', ')}`);
  if (!isUuid(eventId)) return invalid('eventId is not a UUID');
  if (!isUuid(productId)) return invalid('productId is not a UUID');
  if (key?.toString('utf8') !== productId) return invalid('the key is not the productId');
  if (!isSequence(seq)) return invalid(`seq must be a whole number from 1 to ${MAX_SEQUENCE}`);
  if (!isTimestamp(occurredAt)) return invalid('occurredAt is not an ISO 8601 timestamp in UTC');
  if (!isCountedRating(previousRating)) return invalid('previousRating must be a whole number from 1 to 5, or null');
  if (!isCountedRating(rating)) return invalid('rating must be a whole number from 1 to 5, or null');

  // Each object is written out: spreading what they have in common took 3 of the 5 µs that an event took here.
  switch (type) {
    case 'product-deleted':
      if (reviewId !== null || previousRating !== null || rating !== null) {
        return invalid('reviewId, previousRating and rating must be null in product-deleted');
      }
      return {
        ok: true,
        event: { eventId, schemaVersion, productId, seq, occurredAt, type, reviewId, previousRating, rating },
      };
    case 'review-created':
    case 'review-updated':
    case 'review-deleted':
      if (!isUuid(reviewId)) return invalid('reviewId is not a UUID');
      return {
        ok: true,
        event: { eventId, schemaVersion, productId, seq, occurredAt, type, reviewId, previousRating, rating },
      };
    default:
      return unreachable(type);
  }
}

function invalid(reason: string): ParseResult {
  return { ok: false, reason };
}

function unreachable(type: never): ParseResult {
  return invalid(`type ${String(type)} is not handled`);
}

function isEventType(value: unknown): value is ReviewEventType {
  return REVIEW_EVENT_TYPES.some((type) => type === value);
}

function isSequence(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_SEQUENCE;
}

function isTimestamp(value: unknown): value is string {
  return typeof value === 'string' && UTC_TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value));
}

function isCountedRating(value: unknown): value is Stars | null {
  return value === null || (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 5);
}
