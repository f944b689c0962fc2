import type { ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { ratingChange } from '@exact-ratings/shared/rating/rating-store.js';
import { occurredAt, toQueuedChange, toRatingChange } from './rating-job.js';

const BASE = {
  eventId: '0198a000-0000-7000-8000-00000a1b2c3d',
  schemaVersion: 1,
  productId: 'p',
  seq: 7,
  occurredAt: '2026-01-01T00:00:00.250750Z',
} as const;

test.each<ReviewEvent>([
  { ...BASE, type: 'review-created', reviewId: 'r', previousRating: null, rating: 5 },
  { ...BASE, type: 'review-updated', reviewId: 'r', previousRating: 4, rating: 1 },
  { ...BASE, type: 'review-updated', reviewId: 'r', previousRating: null, rating: null },
  { ...BASE, type: 'review-deleted', reviewId: 'r', previousRating: 3, rating: null },
  { ...BASE, type: 'product-deleted', reviewId: null, previousRating: null, rating: null },
])('$type makes the same change after its way through the queue', (event) => {
  const queued = JSON.parse(JSON.stringify(toQueuedChange(event))) as ReturnType<typeof toQueuedChange>;
  expect(toRatingChange(queued)).toEqual(ratingChange(event));
  expect(toRatingChange(queued)).toMatchObject({ seq: 7, eventTag: '0a1b2c3d' });
  expect(occurredAt(queued)).toBe(Date.parse('2026-01-01T00:00:00.250Z'));
});
