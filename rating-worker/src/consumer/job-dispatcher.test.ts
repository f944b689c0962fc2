import { randomUUID } from 'node:crypto';
import type { ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import type { ApplyJob, RebuildJob } from '../queue/rating-job.js';
import { JobDispatcher } from './job-dispatcher.js';

const never = new AbortController().signal;

function event(productId: string): ReviewEvent {
  return {
    eventId: randomUUID(),
    type: 'review-created',
    schemaVersion: 1,
    productId,
    reviewId: randomUUID(),
    seq: 1,
    previousRating: null,
    rating: 5,
    occurredAt: '2026-01-01T00:00:00Z',
  };
}

function createDispatcher(addAndWait: (jobs: readonly ApplyJob[]) => Promise<ApplyJob[]>) {
  const rebuilds: RebuildJob[] = [];
  const applied: ReviewEvent[] = [];
  const dispatcher = new JobDispatcher({
    queue: {
      addAndWait,
      addRebuild: async (job) => {
        rebuilds.push(job);
      },
    },
    maxEvents: 200,
    logger: createLogger('test', 'silent'),
    signal: never,
    onApplied: (events) => void applied.push(...events),
  });
  return { dispatcher, rebuilds, applied };
}

test('leaves what failed to rebuild jobs of at most 200 products, each product once', async () => {
  const { dispatcher, rebuilds } = createDispatcher((jobs) => Promise.resolve([...jobs]));
  const ids = Array.from({ length: 1_150 }, () => randomUUID());
  await dispatcher.dispatch(ids.map(event));
  expect(rebuilds.map(({ productIds }) => productIds.length)).toEqual([200, 200, 200, 200, 200, 150]);
  expect(rebuilds.flatMap(({ productIds }) => productIds)).toEqual(ids);
});

test('shares the jobs between batches that arrive together, and tells what was applied', async () => {
  const rounds: number[] = [];
  const { dispatcher, applied } = createDispatcher((jobs) => {
    rounds.push(jobs.length);
    return Promise.resolve([]);
  });
  const events = [event(randomUUID()), event(randomUUID())];
  await Promise.all(events.map((one) => dispatcher.dispatch([one])));
  expect(rounds).toEqual([1]);
  expect(applied).toEqual(events);
});
