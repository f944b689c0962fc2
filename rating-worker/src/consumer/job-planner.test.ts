import type { ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import * as fc from 'fast-check';
import { planRounds } from './job-planner.js';

function event(productId: string, seq: number): ReviewEvent {
  return {
    eventId: 'e',
    type: 'review-created',
    schemaVersion: 1,
    productId,
    reviewId: 'r',
    seq,
    previousRating: null,
    rating: 5,
    occurredAt: '2026-01-01T00:00:00Z',
  };
}

const events = fc.array(
  fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat({ max: 30 })).map(([id, seq]) => event(id, seq)),
  { maxLength: 120 },
);

test('makes nothing of nothing', () => {
  expect(planRounds([], 10)).toEqual([]);
});

test('packs small products into one job', () => {
  const rounds = planRounds([event('a', 1), event('b', 1), event('a', 2)], 10);
  expect(rounds).toHaveLength(1);
  expect(rounds[0]).toEqual([
    {
      products: [
        {
          productId: 'a',
          changes: [
            [1, 'e', 1767225600000, 0, 5],
            [2, 'e', 1767225600000, 0, 5],
          ],
        },
        { productId: 'b', changes: [[1, 'e', 1767225600000, 0, 5]] },
      ],
    },
  ]);
});

test('does a product with more events than a job holds in rounds', () => {
  const rounds = planRounds(
    Array.from({ length: 25 }, (_, i) => event('a', i + 1)),
    10,
  );
  expect(rounds.map((jobs) => jobs.map(({ products }) => products[0]!.changes.map(([seq]) => seq)))).toEqual([
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [[11, 12, 13, 14, 15, 16, 17, 18, 19, 20]],
    [[21, 22, 23, 24, 25]],
  ]);
});

test('packs at most 200 products into one job', () => {
  const rounds = planRounds(
    Array.from({ length: 450 }, (_, i) => event(`product ${i}`, 1)),
    1_000,
  );
  expect(rounds.map((jobs) => jobs.map(({ products }) => products.length))).toEqual([[200, 200, 50]]);
});

test('never has one product in two jobs of a round, or more events in a job than allowed', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 20 }), (list, maxEvents) => {
      for (const jobs of planRounds(list, maxEvents)) {
        const ids = jobs.flatMap(({ products }) => products.map(({ productId }) => productId));
        expect(new Set(ids).size).toBe(ids.length);
        for (const { products } of jobs) {
          const size = products.reduce((sum, { changes }) => sum + changes.length, 0);
          expect(size).toBeGreaterThan(0);
          expect(size).toBeLessThanOrEqual(maxEvents);
        }
      }
    }),
  );
});

test('loses and repeats nothing, and keeps each product in the order of its numbers over the rounds', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 20 }), (list, maxEvents) => {
      const planned = new Map<string, number[]>();
      for (const { productId, changes } of planRounds(list, maxEvents).flatMap((jobs) =>
        jobs.flatMap((job) => job.products),
      )) {
        planned.set(productId, [...(planned.get(productId) ?? []), ...changes.map(([seq]) => seq)]);
      }
      for (const id of ['a', 'b', 'c', 'd']) {
        const expected = list.filter(({ productId }) => productId === id).map(({ seq }) => seq);
        expect(planned.get(id) ?? []).toEqual(expected.sort((a, b) => a - b));
      }
    }),
  );
});
