import type { Mutant, SelectedTest } from './mutant.js';

const PROPERTY: SelectedTest = {
  workspace: 'rating-worker',
  file: 'src/exactness/exactness.property.test.ts',
  name: 'random histories end with Redis equal to SQL',
  env: { PROPERTY_RUNS: '2000', PROPERTY_SEED: '1' },
};
const HOT_PRODUCT: SelectedTest = {
  workspace: 'e2e',
  file: 'src/flows/pipeline.test.ts',
  name: '4 APIs and 2 workers on one hot product',
};
const CONTESTED: SelectedTest = {
  workspace: 'e2e',
  file: 'src/flows/pipeline.test.ts',
  name: 'a review edited by 8 requests at once',
};
const LOST_JOB: SelectedTest = { workspace: 'e2e', file: 'src/flows/lost-job.test.ts', name: 'a job that Redis loses' };

const GAPS = /Expected: 0\s+Received: [1-9]/;
const PROPERTY_FAILED = /Property failed after/;

/** Each of these mistakes is easy to make, and looks right until the day of the fault. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-sequence-check',
    breaks: 'events are applied whatever their number',
    patches: [
      { file: 'shared/lua/apply-changes.lua', from: 'if state and seq <= state.seq then', to: 'if false then' },
      { file: 'shared/lua/apply-changes.lua', from: 'elseif seq > state.seq + 1 then', to: 'elseif false then' },
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'offsets-before-jobs',
    breaks: 'offsets move before the jobs have finished',
    patches: [
      {
        file: 'rating-worker/dist/consumer/consumer-group.js',
        from: 'let done = false;',
        to: 'let done = false; this.offsets.markDone(batch.partition, batch.lastOffset());',
      },
    ],
    caughtBy: LOST_JOB,
    because: /Expected: (true|5|0)/,
  },
  {
    name: 'replace-ignores-seq',
    breaks: 'a snapshot replaces whatever is there',
    patches: [
      {
        file: 'shared/lua/replace-ratings.lua',
        from: 'local newer = state and (state.seq > snapshot.seq or (state.deleted and state.seq == snapshot.seq))',
        to: 'local newer = false',
      },
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'capture-takes-the-callers-previous-rating',
    breaks: 'the previous rating is what the caller read before the row was locked',
    patches: [
      {
        file: 'graph-api/sql/migrations/0003-review-capture.sql',
        from: 'array_agg(counted_rating(o.rating, o.status) ORDER BY n.',
        to: "array_agg(coalesce(nullif(current_setting('e2e.previous', true), '')::smallint, o.rating) ORDER BY n.",
      },
      {
        file: 'graph-api/sql/migrations/0004-review-functions.sql',
        from: 'UPDATE reviews r\n     SET rating',
        to: `PERFORM set_config('e2e.previous', (SELECT rating::text FROM reviews WHERE id = p_id), true);
  UPDATE reviews r
     SET rating`,
      },
    ],
    caughtBy: CONTESTED,
    because: /Expected|holds .* instead of/,
  },
  {
    name: 'batch-not-split-by-product',
    breaks: 'every event of a batch is a job of its own, all in flight together',
    patches: [
      {
        file: 'rating-worker/dist/consumer/job-planner.js',
        from: 'export function planRounds(events, maxEvents) {',
        to: `export function planRounds(events, maxEvents) {
    return [events.map((event) => ({ products: [{ productId: event.productId, changes: [toQueuedChange(event)] }] }))];`,
      },
    ],
    caughtBy: HOT_PRODUCT,
    because: GAPS,
  },
  {
    name: 'two-relays-at-once',
    breaks: 'relays share the outbox by SKIP LOCKED instead of taking turns',
    patches: [
      { file: 'graph-api/dist/outbox/outbox-table.js', from: 'return rows[0].held;', to: 'return true;' },
      {
        file: 'graph-api/dist/outbox/outbox-table.js',
        from: 'FROM outbox ORDER BY position LIMIT $1',
        to: 'FROM outbox ORDER BY position LIMIT $1 FOR UPDATE SKIP LOCKED',
      },
    ],
    caughtBy: HOT_PRODUCT,
    because: GAPS,
  },
  {
    name: 'no-tombstone',
    breaks: 'a deleted product leaves nothing behind that refuses what comes late',
    patches: [
      {
        file: 'shared/lua/include/rating-state.lua',
        from: "redis.call('SET', state_key, string.format('%d deleted', state.seq), 'EX', TOMBSTONE_SECONDS)",
        to: "redis.call('DEL', state_key)",
      },
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'no-trigger-on-update',
    breaks: 'edits are not captured',
    patches: [
      {
        file: 'graph-api/sql/migrations/0003-review-capture.sql',
        from: 'WHERE o IS DISTINCT FROM n',
        to: 'WHERE false',
      },
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
];
