import { randomUUID } from 'node:crypto';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import * as fc from 'fast-check';
import type { Redis } from 'ioredis';
import { ratingKeys } from './rating-keys.js';
import {
  averageRating,
  formatRatingState,
  reviewCount,
  type PositionedRating,
  type RatingState,
  type Tombstone,
} from './rating-state.js';
import { RatingStore, type ApplyResult, type RatingChange, type RatingAggregate } from './rating-store.js';

/**
 * The store against a model of it in plain TypeScript: random calls, repeated, reordered, with lost and corrupt keys.
 * The model holds what the keys must hold: the state, and whether the public keys agree with it.
 */
interface Model {
  state: PositionedRating | Tombstone | null;
  agrees: boolean;
}

function modelApply(model: Model, changes: readonly RatingChange[]): Omit<ApplyResult, 'productId'> {
  const result = { status: 'OK' as ApplyResult['status'], applied: 0, duplicates: 0 };
  let skipped = 0;
  for (const change of changes) {
    const { state } = model;
    const { seq, eventTag } = change;
    const isAnother = state?.seq === seq && state.eventTag !== eventTag;
    if (isAnother && !('deleted' in state && 'deleted' in change)) {
      result.status = 'FORK';
      skipped += 1;
    } else if (state !== null && seq <= state.seq) {
      result.duplicates += 1;
    } else if ('deleted' in change) {
      model.state = { seq, eventTag, deleted: true };
      result.status = 'OK';
      result.applied += 1;
      result.duplicates += skipped;
      skipped = 0;
    } else if (result.status !== 'OK') {
      skipped += 1;
    } else if (state === null || 'deleted' in state) {
      result.status = 'MISSING';
      skipped = 1;
    } else if (seq !== state.seq + 1) {
      result.status = 'GAP';
      skipped = 1;
    } else {
      const stars = [...state.stars] as [number, number, number, number, number];
      if (change.previousRating !== null) stars[change.previousRating - 1]! -= 1;
      if (stars.some((count) => count < 0)) {
        result.status = 'BROKEN';
        skipped = 1;
        continue;
      }
      if (change.rating !== null) stars[change.rating - 1]! += 1;
      model.state = { seq, eventTag, stars };
      result.applied += 1;
    }
  }
  if (result.applied > 0) model.agrees = true;
  return result;
}

function modelReplace(model: Model, aggregate: PositionedRating): 'WRITTEN' | 'NEWER' {
  const { state } = model;
  const newer = state !== null && (state.seq > aggregate.seq || ('deleted' in state && state.seq === aggregate.seq));
  if (!newer) model.state = aggregate;
  model.agrees = true;
  return newer ? 'NEWER' : 'WRITTEN';
}

/** Two timelines, of which one is met less often. */
const history = fc.oneof({ weight: 8, arbitrary: fc.constant('a') }, { weight: 1, arbitrary: fc.constant('b') });
const tagOf = (seq: number, timeline: string): string => `${timeline}${String(seq).padStart(7, '0')}`;

const stars = fc.option(fc.integer({ min: 1, max: 5 }), { nil: null, freq: 3 });
const count = fc.nat({ max: 2 });
const counts = fc.tuple(count, count, count, count, count);

type Call =
  | {
      readonly kind: 'apply';
      readonly from: number;
      readonly changes: ReadonlyArray<{ step: number; history: string; change: unknown }>;
    }
  | {
      readonly kind: 'replace';
      readonly seq: number;
      readonly history: string;
      readonly stars: RatingState['stars'];
    }
  | {
      readonly kind: 'spoil';
      readonly key: 'rating' | 'reviewCount' | 'state';
      readonly how: 'lost' | 'text' | 'list';
    };

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      // Relative to the model's seq: mostly what follows it, sometimes what it holds or what leaves a gap.
      from: fc.oneof(
        { weight: 4, arbitrary: fc.constant(1) },
        { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
      ),
      changes: fc.array(
        fc.record({
          step: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat({ max: 2 }) }),
          history,
          change: fc.oneof(
            { weight: 12, arbitrary: fc.record({ previousRating: stars, rating: stars }) },
            { weight: 1, arbitrary: fc.constant({ deleted: true }) },
          ),
        }),
        { maxLength: 6 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('replace' as const),
      seq: fc.integer({ min: -2, max: 3 }),
      history,
      stars: counts,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('spoil' as const),
      key: fc.constantFrom('rating', 'reviewCount', 'state'),
      how: fc.constantFrom('lost', 'text', 'list'),
    }),
  },
);

let redis: Redis;
let store: RatingStore;

beforeAll(() => {
  redis = connectRedis();
  store = new RatingStore(redis, { ttlSeconds: 0 });
});

afterAll(() => redis.disconnect());

async function run(productId: string, model: Model, { ...step }: Call): Promise<void> {
  const seq = model.state?.seq ?? 0;
  switch (step.kind) {
    case 'apply': {
      let next = Math.max(1, seq + step.from);
      const changes = step.changes.map(({ step: by, history: timeline, change }, i) => {
        if (i > 0) next += by;
        return { seq: next, eventTag: tagOf(next, timeline), ...(change as object) } as RatingChange;
      });
      const [result] = await store.apply([{ productId, changes }]);
      expect(result).toEqual({ productId, ...modelApply(model, changes) });
      return;
    }
    case 'replace': {
      const aggregateSeq = Math.max(0, seq + step.seq);
      const state = { seq: aggregateSeq, stars: step.stars, eventTag: tagOf(aggregateSeq, step.history) };
      const aggregate: RatingAggregate = { productId, ...state };
      expect(await store.replace([aggregate])).toEqual([modelReplace(model, state)]);
      return;
    }
    case 'spoil': {
      const key = ratingKeys(productId)[step.key];
      await redis.del(key);
      if (step.how === 'text') await redis.set(key, 'corrupt');
      if (step.how === 'list') await redis.rpush(key, 'corrupt');
      if (step.key === 'state') model.state = null;
      model.agrees = false;
      return;
    }
  }
}

async function expectKeys(productId: string, { state, agrees }: Model): Promise<void> {
  const [rating] = await store.getMany([productId]);
  if (state === null || 'deleted' in state) return expect(rating).toBeNull();
  expect(rating).toEqual(state);
  // The state alone answers; the public keys are those of the state until something else writes them.
  if (!agrees) return;
  const keys = ratingKeys(productId);
  expect(await redis.mget(keys.rating, keys.reviewCount, keys.state)).toEqual([
    String(averageRating(state)),
    String(reviewCount(state)),
    formatRatingState(state),
  ]);
}

test('does what the model does, whatever is called in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 15 }), async (calls) => {
      const productId = randomUUID();
      const model: Model = { state: null, agrees: false };
      for (const step of calls) {
        await run(productId, model, step);
        await expectKeys(productId, model);
      }
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1_000) },
  );
}, 120_000);
