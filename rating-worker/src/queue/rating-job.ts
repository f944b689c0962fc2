import type { ReviewEvent, Stars } from '@exact-ratings/shared/events/review-event.js';
import { ratingChange, type RatingChange } from '@exact-ratings/shared/rating/rating-store.js';
import type { JobsOptions } from 'bullmq';
import type { JobConfig } from './queue-config.js';

/**
 * One event as it travels in a job, short since a queue holds many: seq, the event's tag, when it was captured in
 * milliseconds, what counted before and what counts now (0 = none); a product's deletion has 'deleted' in place of the ratings.
 */
export type QueuedChange =
  | readonly [seq: number, eventTag: string, occurredAt: number, previousRating: Stars | 0, rating: Stars | 0]
  | readonly [seq: number, eventTag: string, occurredAt: number, deleted: 'deleted'];

/** A product's events in ascending order of seq. */
export interface QueuedProduct {
  readonly productId: string;
  readonly changes: readonly QueuedChange[];
}

/** Applies events to their products' ratings. */
export interface ApplyJob {
  readonly products: readonly QueuedProduct[];
}

/** Rebuilds ratings from PostgreSQL: what an apply job could not have at once, or what a failed job left undone. */
export interface RebuildJob {
  readonly productIds: readonly string[];
  readonly reason: RebuildReason;
}

type RebuildReason = 'deferred' | 'failed-job';

/**
 * Names of jobs carry the version of their data. While releases run side by side, a worker leaves a version that it does not know
 * to a newer one; so data of another shape takes another name.
 */
export const APPLY_JOB = 'apply.v2';
export const REBUILD_JOB = 'rebuild.v1';

export type RatingJobData = ApplyJob | RebuildJob;
export type RatingJobName = typeof APPLY_JOB | typeof REBUILD_JOB;

/** Completed jobs are kept for a minute so that whoever waits for one still finds it; failed ones for inspection. */
export function jobOptions(config: JobConfig): JobsOptions {
  return {
    attempts: config.attempts,
    backoff: { type: 'exponential', delay: config.backoffMs },
    removeOnComplete: { age: 60, count: 1_000 },
    removeOnFail: { age: 7 * 86_400, count: 1_000 },
    stackTraceLimit: 3,
  };
}

/** Rebuild jobs are not awaited by the consumer, so they get 20 more attempts, at a fixed delay ten times as long. */
export function rebuildRetries(config: JobConfig): JobsOptions {
  return { attempts: 20 + config.attempts, backoff: { type: 'fixed', delay: 10 * config.backoffMs } };
}

export function toQueuedChange(event: ReviewEvent): QueuedChange {
  const change = ratingChange(event);
  const occurredAt = Date.parse(event.occurredAt);
  return 'deleted' in change
    ? [change.seq, change.eventTag, occurredAt, 'deleted']
    : [change.seq, change.eventTag, occurredAt, change.previousRating ?? 0, change.rating ?? 0];
}

export function toRatingChange(change: QueuedChange): RatingChange {
  const [seq, eventTag, , previousRating, rating] = change;
  return previousRating === 'deleted'
    ? { seq, eventTag, deleted: true }
    : { seq, eventTag, previousRating: previousRating || null, rating: rating || null };
}

export function occurredAt(change: QueuedChange): number {
  return change[2];
}
