import * as fc from 'fast-check';

/** One step of a history. Indexes are taken modulo what is there when the step comes. */
export type Step =
  | { readonly do: 'create'; readonly product: number; readonly ratings: readonly number[]; readonly hidden: boolean }
  | { readonly do: 'edit'; readonly product: number; readonly review: number; readonly rating: number }
  | { readonly do: 'edit-text'; readonly product: number; readonly review: number }
  | { readonly do: 'set-status'; readonly product: number; readonly review: number; readonly status: string }
  /** A moderator's decision. */
  | { readonly do: 'moderate'; readonly product: number; readonly review: number; readonly status: string }
  /** An edit under moderation: the review waits again, in the same statement. */
  | { readonly do: 'edit-moderated'; readonly product: number; readonly review: number; readonly rating: number }
  /** A review's author is erased, with whatever else they have reviewed. */
  | { readonly do: 'erase'; readonly product: number; readonly review: number; readonly reviews: string }
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
  | { readonly do: 'persist' }
  | { readonly do: 'reconcile' };

const product = fc.nat({ max: 1 });
const review = fc.nat({ max: 5 });
const rating = fc.integer({ min: 1, max: 5 });
const count = fc.integer({ min: 1, max: 6 });

/** What a step of each kind is made of. */
const STEPS: { readonly [Kind in Step['do']]: fc.Arbitrary<Step> } = {
  create: fc.record({
    do: fc.constant('create'),
    product,
    ratings: fc.array(rating, { minLength: 1, maxLength: 3 }),
    hidden: fc.boolean(),
  }),
  edit: fc.record({ do: fc.constant('edit'), product, review, rating }),
  'edit-text': fc.record({ do: fc.constant('edit-text'), product, review }),
  'set-status': fc.record({
    do: fc.constant('set-status'),
    product,
    review,
    status: fc.constantFrom('PENDING', 'PUBLISHED', 'REJECTED'),
  }),
  moderate: fc.record({
    do: fc.constant('moderate'),
    product,
    review,
    status: fc.constantFrom('PUBLISHED', 'REJECTED'),
  }),
  'edit-moderated': fc.record({ do: fc.constant('edit-moderated'), product, review, rating }),
  erase: fc.record({
    do: fc.constant('erase'),
    product,
    review,
    reviews: fc.constantFrom('ANONYMIZE', 'DELETE'),
  }),
  delete: fc.record({ do: fc.constant('delete'), product, review }),
  'delete-product': fc.record({ do: fc.constant('delete-product'), product }),
  relay: fc.record({ do: fc.constant('relay') }),
  deliver: fc.record({ do: fc.constant('deliver'), count }),
  'deliver-again': fc.record({ do: fc.constant('deliver-again'), from: fc.nat({ max: 10 }), count }),
  'deliver-shuffled': fc.record({ do: fc.constant('deliver-shuffled'), count, seed: fc.nat({ max: 999 }) }),
  'lose-events': fc.record({ do: fc.constant('lose-events'), count }),
  read: fc.record({ do: fc.constant('read') }),
  'take-snapshot': fc.record({ do: fc.constant('take-snapshot') }),
  'replace-late': fc.record({ do: fc.constant('replace-late'), snapshot: fc.nat({ max: 3 }) }),
  flush: fc.record({ do: fc.constant('flush') }),
  corrupt: fc.record({
    do: fc.constant('corrupt'),
    product,
    key: fc.constantFrom('rating', 'reviewCount', 'state'),
    how: fc.constantFrom('lost', 'text', 'list'),
  }),
  'copy-redis': fc.record({ do: fc.constant('copy-redis') }),
  'put-back-redis': fc.record({ do: fc.constant('put-back-redis') }),
  'copy-postgres': fc.record({ do: fc.constant('copy-postgres') }),
  'put-back-postgres': fc.record({ do: fc.constant('put-back-postgres') }),
  persist: fc.record({ do: fc.constant('persist') }),
  reconcile: fc.record({ do: fc.constant('reconcile') }),
};

/** One step; the weights say how often each kind is chosen. */
function stepOf(weights: Partial<Record<Step['do'], number>>): fc.Arbitrary<Step> {
  const kinds = Object.entries(weights) as Array<[Step['do'], number]>;
  return fc.oneof(...kinds.map(([kind, weight]) => ({ weight, arbitrary: STEPS[kind] })));
}

/** Everything that can happen to two products, short histories more often than long ones. */
export const histories: fc.Arbitrary<Step[]> = fc.array(
  stepOf({
    ...{ create: 12, edit: 8, 'edit-text': 2, 'set-status': 2, delete: 5, 'delete-product': 1 },
    ...{ moderate: 6, 'edit-moderated': 3, erase: 4 },
    ...{ relay: 10, deliver: 10, 'deliver-again': 4, 'deliver-shuffled': 2, 'lose-events': 1 },
    ...{ read: 4, 'take-snapshot': 5, 'replace-late': 3, flush: 1, corrupt: 2, 'copy-redis': 1, 'put-back-redis': 1 },
    ...{ 'copy-postgres': 1, 'put-back-postgres': 1, persist: 3, reconcile: 1 },
  }),
  { minLength: 1, maxLength: 30 },
);

const changesOnTheirWay = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(
    stepOf({
      ...{ create: 8, edit: 8, 'edit-text': 2, 'set-status': 1, delete: 3, 'delete-product': 1 },
      ...{ moderate: 2, 'edit-moderated': 1, erase: 1 },
      ...{ relay: 8, deliver: 8, 'deliver-again': 1, read: 2 },
    }),
    { maxLength },
  );

/**
 * PostgreSQL is put back to an earlier point, once or several times, and another history takes the sequence numbers that Redis
 * has from the discarded one. Nothing else goes wrong.
 */
export const forkedHistories: fc.Arbitrary<Step[]> = fc
  .array(
    fc.tuple(
      changesOnTheirWay(5),
      fc.constant<Step[]>([{ do: 'copy-postgres' }]),
      changesOnTheirWay(6),
      fc.constant<Step[]>([{ do: 'relay' }, { do: 'deliver', count: 10 }, { do: 'put-back-postgres' }]),
      changesOnTheirWay(12),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.flat(2));
