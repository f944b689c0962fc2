import { inLuaScript } from './in-lua.js';
import { inDatabaseObject } from './in-database.js';
import { inLiteral, wrapFunction } from './in-typescript.js';
import type { Mutant, SelectedTest } from './mutant.js';

const PROPERTY: SelectedTest = {
  workspace: 'rating-worker',
  name: 'random histories end with Redis equal to',
  env: { PROPERTY_RUNS: '2000', PROPERTY_SEED: '1' },
};
const TAKEN_AGAIN: SelectedTest = {
  workspace: 'rating-worker',
  name: 'a sequence number that is taken again',
  env: { PROPERTY_RUNS: '900', PROPERTY_SEED: '1' },
};
const PERSISTED: SelectedTest = {
  workspace: 'graph-api',
  name: 'what changes between the count and its commit stays dirty',
};
const HOT_PRODUCT: SelectedTest = { workspace: 'e2e', name: '4 APIs and 2 workers on one hot product' };
const CONTESTED: SelectedTest = { workspace: 'e2e', name: 'a review edited by 8 requests at once' };
const LOST_JOB: SelectedTest = { workspace: 'e2e', name: 'a job that Redis loses' };

const REPEATED: SelectedTest = { workspace: 'graph-api', name: 'a repetition is answered as the first' };
const LATE: SelectedTest = { workspace: 'graph-api', name: 'a process that is frozen between its look' };

const GAPS = /Expected: 0\s+Received: [1-9]/;
const PROPERTY_FAILED = /Property failed after/;

/** Mistakes that are easy to make in the protocol, and that show only at a fault. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-sequence-check',
    breaks: 'changes are applied whatever their sequence number',
    // Every branch that compares with the sequence number of the state: the one for duplicates, and the one for gaps.
    mutations: [inLuaScript('apply-changes', /\b(if|elseif) [^\n]*[<>]=? ?\w+\.seq\b[^\n]* then/, '$1 false then', 2)],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'offsets-before-jobs',
    breaks: 'offsets move before the jobs have finished',
    mutations: [
      wrapFunction(
        'rating-worker',
        'JobDispatcher.dispatch',
        `(original, ...args) => { original(...args).catch(() => undefined); return Promise.resolve(); }`,
      ),
    ],
    caughtBy: LOST_JOB,
    because: /Expected: (true|5|0)/,
  },
  {
    name: 'tag-not-compared',
    breaks: 'an event with the number of the state is a duplicate, whatever its id',
    mutations: [inLuaScript('apply-changes', /\w+ ~= \w+\.tag\b/, 'false')],
    caughtBy: TAKEN_AGAIN,
    because: PROPERTY_FAILED,
  },
  {
    name: 'replace-ignores-seq',
    breaks: 'an aggregate replaces a newer state',
    mutations: [inLuaScript('replace-ratings', /\b\w+\.seq ?(>|==) ?\w+\.seq\b/, 'false', 2)],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'capture-takes-the-callers-previous-rating',
    breaks: 'the previous rating is what the caller read before the row was locked',
    mutations: [
      inDatabaseObject(
        'FUNCTION capture_review_update',
        /counted_rating\(o\.rating, o\.status\)/,
        `coalesce(nullif(current_setting('e2e.previous', true), '')::smallint, $&)`,
      ),
      inDatabaseObject(
        'FUNCTION update_review',
        /UPDATE (\w+\.)?reviews\b/,
        `PERFORM set_config('e2e.previous', (SELECT rating::text FROM reviews WHERE id = $$1), true);\n  $&`,
      ),
    ],
    caughtBy: CONTESTED,
    because: /Expected|holds .* instead of/,
  },
  {
    name: 'batch-not-split-by-product',
    breaks: 'every event of a batch is a job of its own, all in flight together',
    mutations: [
      wrapFunction(
        'rating-worker',
        'planRounds',
        `(original, events, ...limits) => [events.flatMap((event) => original([event], ...limits).flat())]`,
      ),
    ],
    caughtBy: HOT_PRODUCT,
    because: GAPS,
  },
  {
    name: 'two-relays-at-once',
    breaks: 'relays share the outbox by SKIP LOCKED instead of publishing one at a time',
    mutations: [
      inLiteral(
        'graph-api',
        /pg_try_advisory_xact_lock.*\boutbox/s,
        /(pg_try_advisory_xact_lock\([^)]*\)) AS/,
        '($1 OR true) AS',
      ),
      inLiteral(
        'graph-api',
        /\bFROM outbox\b.*\bORDER BY position\b.*\bLIMIT\b/s,
        /FROM outbox\b/,
        'FROM (SELECT * FROM outbox ORDER BY position LIMIT $${maxRows} FOR UPDATE SKIP LOCKED) AS outbox',
      ),
    ],
    caughtBy: HOT_PRODUCT,
    because: GAPS,
  },
  {
    name: 'no-tombstone',
    breaks: 'a deleted product leaves no tombstone to refuse late changes',
    mutations: [
      inLuaScript(
        'rating-state',
        /redis\.call\('SET', (\w+), string\.format\('[^']*deleted[^']*'[^\n]*\)/,
        `redis.call('DEL', $1)`,
      ),
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'no-event-for-an-erased-review',
    breaks: 'reviews of an erased author are deleted without an event',
    mutations: [
      inDatabaseObject(
        'FUNCTION remove_erased_author',
        /DELETE FROM reviews WHERE id = ANY/,
        `PERFORM set_config('session_replication_role', 'replica', true);\n    $&`,
      ),
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'no-event-for-a-rejection',
    breaks: 'a rejection is not captured',
    mutations: [
      inDatabaseObject(
        'FUNCTION capture_review_update',
        /\(o\.[^)]*\) IS DISTINCT FROM \(n\.[^)]*\)/,
        `$& AND (n.status <> 'REJECTED' OR o.status = 'REJECTED')`,
      ),
    ],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'no-trigger-on-update',
    breaks: 'edits are not captured',
    mutations: [inDatabaseObject('TRIGGER reviews_capture_update', /EXECUTE FUNCTION/, 'WHEN (false) $&')],
    caughtBy: PROPERTY,
    because: PROPERTY_FAILED,
  },
  {
    name: 'repetition-not-recognised',
    breaks: 'a creation that is sent again under its key is carried out again',
    mutations: [inDatabaseObject('FUNCTION create_reviews_once', /\bk\.key = n\.key\b/, 'false')],
    caughtBy: REPEATED,
    because: /INTERNAL_SERVER_ERROR/,
  },
  {
    name: 'late-changes-are-made',
    breaks: 'PostgreSQL carries out what nobody may wait for any more',
    mutations: [inDatabaseObject('FUNCTION require_in_time', /now_ms > p_valid_until_ms/, 'false')],
    caughtBy: LATE,
    because: /-\s+2,\s+\+\s+1,/,
  },
  {
    name: 'dirty-flag-taken-back-blindly',
    breaks: 'a product that changed while its rating was persisted is forgotten until its next change',
    mutations: [
      inDatabaseObject(
        'FUNCTION persist_product_ratings',
        /s\.dirty AND s\.last_seq = r\.seq AND s\.last_event_id = r\.last_event_id/,
        's.dirty',
      ),
    ],
    caughtBy: PERSISTED,
    because: /toEqual/,
  },
];
