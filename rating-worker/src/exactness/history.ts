import * as fc from 'fast-check';

/** One step of a history. Indexes are taken modulo what is there when the step comes. */
export type Step =
  | { readonly do: 'create'; readonly product: number; readonly ratings: readonly number[]; readonly hidden: boolean }
  | { readonly do: 'edit'; readonly product: number; readonly review: number; readonly rating: number }
  | { readonly do: 'edit-text'; readonly product: number; readonly review: number }
  | { readonly do: 'set-status'; readonly product: number; readonly review: number; readonly status: string }
  | { readonly do: 'delete'; readonly product: number; readonly review: number }
  | { readonly do: 'delete-product'; readonly product: number }
  /** The outbox goes to the log, in order, as the relay sends it. */
  | { readonly do: 'relay' }
  /** The next messages of the log, as one batch. */
  | { readonly do: 'deliver'; readonly count: number }
  /** A part of the log once more. */
  | { readonly do: 'deliver-again'; readonly from: number; readonly count: number }
  /** The next messages, each by itself and out of order. */
  | { readonly do: 'deliver-shuffled'; readonly count: number; readonly seed: number }
  /** The next messages never come. */
  | { readonly do: 'lose-events'; readonly count: number }
  /** A reader: a miss is filled from PostgreSQL. */
  | { readonly do: 'read' }
  | { readonly do: 'take-snapshot' }
  /** What an earlier reader had read comes to Redis only now. */
  | { readonly do: 'replace-late'; readonly snapshot: number }
  | { readonly do: 'flush' }
  | {
      readonly do: 'corrupt';
      readonly product: number;
      readonly key: 'rating' | 'reviewCount' | 'state';
      readonly how: 'lost' | 'text' | 'list';
    }
  | { readonly do: 'copy-redis' }
  | { readonly do: 'put-back-redis' }
  | { readonly do: 'copy-postgres' }
  | { readonly do: 'put-back-postgres' }
  | { readonly do: 'reconcile' };

const product = fc.nat({ max: 1 });
const review = fc.nat({ max: 5 });
const rating = fc.integer({ min: 1, max: 5 });
const count = fc.integer({ min: 1, max: 6 });

/** How often a step is chosen, and what it is made of. */
const STEPS: ReadonlyArray<{ weight: number; arbitrary: fc.Arbitrary<Step> }> = [
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('create'),
      product,
      ratings: fc.array(rating, { minLength: 1, maxLength: 3 }),
      hidden: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('edit'), product, review, rating }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit-text'), product, review }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('set-status'),
      product,
      review,
      status: fc.constantFrom('PENDING', 'PUBLISHED', 'REJECTED'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('delete'), product, review }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete-product'), product }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('relay') }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('deliver'), count }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver-again'), from: fc.nat({ max: 10 }), count }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliver-shuffled'), count, seed: fc.nat({ max: 999 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose-events'), count }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('take-snapshot') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('replace-late'), snapshot: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('corrupt'),
      product,
      key: fc.constantFrom('rating', 'reviewCount', 'state'),
      how: fc.constantFrom('lost', 'text', 'list'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy-redis') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('put-back-redis') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy-postgres') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('put-back-postgres') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconcile') }) },
];

/** Histories of two products, short ones more often than long ones. */
export const histories: fc.Arbitrary<Step[]> = fc.array(fc.oneof(...STEPS), { minLength: 1, maxLength: 30 });
