import { configSubject, integer, matchingText, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

const NAME = { pattern: /^[a-zA-Z0-9._-]+$/, accepts: 'letters, digits, ".", "_" and "-"' };

export const QUEUE = configSubject('Rating jobs', {
  queueName: matchingText('RATING_QUEUE_NAME', { ...NAME, default: 'ratings', meaning: "Name of BullMQ's queue." }),
  prefix: matchingText('RATING_QUEUE_PREFIX', { ...NAME, default: 'bull', meaning: "Prefix of BullMQ's Redis keys." }),
  concurrency: integer('RATING_JOB_CONCURRENCY', {
    default: 8,
    min: 1,
    max: 500,
    meaning: 'Jobs that one process works on at once.',
  }),
  maxEvents: integer('RATING_JOB_MAX_EVENTS', {
    default: 1_000,
    min: 1,
    max: 1_000,
    meaning:
      'Most events in one job; it has at most 200 products, too, so that the script that applies them stays under 2 ms.',
  }),
  attempts: integer('RATING_JOB_ATTEMPTS', {
    default: 8,
    min: 1,
    max: 1_000,
    meaning: 'Attempts of a job, before its products are rebuilt.',
  }),
  backoffMs: integer('RATING_JOB_BACKOFF_MS', {
    default: 100,
    min: 1,
    max: 60_000,
    meaning: 'Wait before the second attempt; it doubles with each further one.',
  }),
  lookupAfterMs: integer('RATING_JOB_LOOKUP_AFTER_MS', {
    default: 3_000,
    min: 50,
    max: 600_000,
    meaning: 'After this time without news of a job, its state is looked up in Redis.',
  }),
  maxDeferredRebuilds: integer('RATING_MAX_DEFERRED_REBUILDS', {
    default: 1_000,
    min: 1,
    max: 1_000_000,
    meaning: 'Most rebuilds that are deferred while PostgreSQL is down; beyond this number the jobs themselves wait.',
  }),
});

export type JobConfig = ConfigOf<typeof QUEUE>;
