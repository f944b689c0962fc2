import { setTimeout as delay } from 'node:timers/promises';
import {
  readLastSequences,
  readRatingAggregates,
  type Queryable,
} from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { compareRating, type DifferenceReason, type Verdict } from './compare-rating.js';
import { productPages } from './product-scan.js';

export interface AuditOptions {
  /** How long what is behind, or may be on its way out, is looked at again. */
  readonly waitMs: number;
  /** Hears of each page: how many products have been compared so far. */
  readonly onProgress: (compared: number) => void;
  /** Hears of each product that differs, or stayed behind. */
  readonly onFinding: (finding: Finding) => void;
  readonly productsPerPage?: number;
}

export interface Finding {
  readonly productId: string;
  readonly kind: 'BEHIND' | 'DIFFERENT';
  /** For a person: what Redis holds and what SQL holds. */
  readonly detail: string;
}

export interface AuditReport {
  compared: number;
  equal: number;
  missing: number;
  behind: number;
  different: number;
}

const RECHECK_INTERVAL_MS = 250;
/** Products kept to be looked at again; more are reported as they are, so that memory stays bounded. */
const MAX_RECHECKED = 100_000;

/**
 * Compares every product's keys with SQL, and looks for keys of products that SQL does not have. Streams, page by page:
 * memory does not grow with the catalogue.
 */
export async function auditRatings(
  store: RatingStore,
  database: Queryable,
  options: AuditOptions,
): Promise<AuditReport> {
  const report: AuditReport = { compared: 0, equal: 0, missing: 0, behind: 0, different: 0 };
  let unsettled: string[] = [];

  const settle = (productId: string, verdict: Verdict, detail: string): void => {
    if (verdict.kind === 'EQUAL') report.equal += 1;
    else if (verdict.kind === 'MISSING') report.missing += 1;
    else {
      report[verdict.kind === 'BEHIND' ? 'behind' : 'different'] += 1;
      options.onFinding({ productId, kind: verdict.kind, detail });
    }
  };
  const check = async (ids: readonly string[], mayWait: boolean): Promise<string[]> => {
    const again: string[] = [];
    for (const { productId, verdict, detail } of await comparePage(store, database, ids)) {
      if (mayWait && mayMend(verdict) && unsettled.length + again.length < MAX_RECHECKED) again.push(productId);
      else settle(productId, verdict, detail);
    }
    return again;
  };

  for await (const ids of productPages(database, options.productsPerPage ?? 1_000)) {
    unsettled.push(...(await check(ids, options.waitMs > 0)));
    report.compared += ids.length;
    options.onProgress(report.compared);
  }
  for await (const ids of store.scanProductIds()) {
    const orphans = await withoutProduct(database, ids);
    if (orphans.length > 0) unsettled.push(...(await check(orphans, options.waitMs > 0)));
  }

  const deadline = Date.now() + options.waitMs;
  while (unsettled.length > 0) {
    const last = Date.now() >= deadline;
    if (!last) await delay(RECHECK_INTERVAL_MS);
    const pending = unsettled;
    unsettled = [];
    for (let start = 0; start < pending.length; start += 1_000) {
      unsettled.push(...(await check(pending.slice(start, start + 1_000), !last)));
    }
  }
  return report;
}

/** Whether events under way can make it equal: a product's deletion may be among them. */
function mayMend(verdict: Verdict): boolean {
  return verdict.kind === 'BEHIND' || (verdict.kind === 'DIFFERENT' && verdict.reason === 'ORPHAN');
}

async function withoutProduct(database: Queryable, ids: readonly string[]): Promise<string[]> {
  const known = await readLastSequences(database, ids);
  return ids.filter((id) => !known.has(id));
}

interface Comparison {
  readonly productId: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

async function comparePage(store: RatingStore, database: Queryable, ids: readonly string[]): Promise<Comparison[]> {
  const stored = await store.inspectMany(ids);
  const snapshots = new Map(
    (await readRatingAggregates(database, ids)).map((snapshot) => [snapshot.productId, snapshot]),
  );
  return ids.map((productId, i) => {
    const sql = snapshots.get(productId) ?? null;
    const redis = stored[i]!;
    const verdict = compareRating(redis, sql);
    const inRedis = redis.kind === 'RATING' ? describe(redis.state) : redis.kind.toLowerCase();
    const reason = verdict.kind === 'DIFFERENT' ? `${REASONS[verdict.reason]}: ` : '';
    return {
      productId,
      verdict,
      detail: `${reason}Redis ${inRedis}, SQL ${sql === null ? 'has no such product' : describe(sql)}`,
    };
  });
}

const REASONS: Record<DifferenceReason, string> = {
  CONTENT: 'other counts at the same number',
  AHEAD: 'Redis is ahead of SQL',
  CORRUPT: 'the keys do not agree with each other',
  ORPHAN: 'keys of a product that is gone',
  TOMBSTONE: 'deleted in Redis, there in SQL',
};

function describe({ seq, stars }: RatingState): string {
  return `seq ${seq}, 1 to 5 stars: ${stars.join(' ')}`;
}
