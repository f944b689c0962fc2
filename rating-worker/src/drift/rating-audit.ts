import { setTimeout as delay } from 'node:timers/promises';
import { readStreamPositions, type Queryable } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import { findPersistedDrift } from '../persistence/persisted-drift.js';
import type { ProductRatings } from '../persistence/product-ratings.js';
import {
  compareProducts,
  countedAggregates,
  type ComparedProduct,
  type ComparisonSources,
} from './compare-products.js';
import type { DifferenceReason, Verdict } from './compare-rating.js';
import { productPages } from './product-scan.js';

export interface AuditOptions {
  /** How long products that are behind, or may be being deleted, are looked at again. */
  readonly waitMs: number;
  /** Called after each page with the number of products compared so far. */
  readonly onProgress: (compared: number) => void;
  /** Called with each product that differs, stayed behind, or could not be counted. */
  readonly onFinding: (finding: AuditFinding) => void;
  readonly productsPerPage?: number;
}

export interface AuditFinding {
  readonly productId: string;
  readonly kind: 'BEHIND' | 'DIFFERENT' | 'UNCOUNTED';
  /** For a person: what Redis holds and what PostgreSQL holds. */
  readonly detail: string;
}

export interface AuditReport {
  compared: number;
  equal: number;
  missing: number;
  behind: number;
  different: number;
  /** Loaded with triggers off: nothing says which changes their ratings hold. */
  withoutStream: number;
  /** Their persisted ratings, by which lists are ordered, differ, and no pass will put that right. */
  persistedWrongly: number;
  /** PostgreSQL could not count their reviews: whether they are right is not known. */
  uncounted: number;
}

const COUNTERS = { BEHIND: 'behind', DIFFERENT: 'different', UNCOUNTED: 'uncounted' } as const;

const RECHECK_INTERVAL_MS = 250;
/** Products kept to be looked at again; more are reported as they are, so that memory stays bounded. */
const MAX_RECHECKED = 100_000;

/**
 * Compares every product's keys and persisted rating with PostgreSQL, and looks for keys of products that PostgreSQL does not have. Streams, page by
 * page: memory does not grow with the catalogue.
 * @throws the database's error or ioredis's
 */
export async function auditRatings(
  sources: ComparisonSources & { readonly ratings: ProductRatings },
  options: AuditOptions,
): Promise<AuditReport> {
  const { store, database, ratings } = sources;
  const report: AuditReport = {
    compared: 0,
    equal: 0,
    missing: 0,
    behind: 0,
    different: 0,
    withoutStream: 0,
    persistedWrongly: 0,
    uncounted: 0,
  };
  let unsettled: string[] = [];

  const record = (product: ComparedProduct): void => {
    const { productId, verdict } = product;
    if (verdict.kind === 'EQUAL') report.equal += 1;
    else if (verdict.kind === 'MISSING') report.missing += 1;
    else {
      report[COUNTERS[verdict.kind]] += 1;
      options.onFinding({ productId, kind: verdict.kind, detail: formatComparison(product) });
    }
  };
  const check = async (ids: readonly string[], mayWait: boolean): Promise<string[]> => {
    const again: string[] = [];
    const compared = await compareProducts(sources, ids, 'counts');
    for (const product of compared) {
      if (mayWait && maySettle(product.verdict) && unsettled.length + again.length < MAX_RECHECKED) {
        again.push(product.productId);
      } else record(product);
    }
    const aggregates = countedAggregates(compared);
    for (const id of again) aggregates.delete(id);
    for (const productId of await findPersistedDrift(ratings, aggregates)) {
      report.persistedWrongly += 1;
      options.onFinding({ productId, kind: 'DIFFERENT', detail: 'its persisted rating differs from PostgreSQL' });
    }
    return again;
  };

  for await (const { ids, withoutStream } of productPages(database, options.productsPerPage ?? 1_000)) {
    report.withoutStream += withoutStream.size;
    for (const productId of withoutStream) {
      options.onFinding({ productId, kind: 'DIFFERENT', detail: 'no stream: it was loaded with triggers off' });
    }
    const others = ids.filter((id) => !withoutStream.has(id));
    unsettled.push(...(await check(others, options.waitMs > 0)));
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

/** Whether events in transit can make it equal: a product's deletion may be among them. */
function maySettle(verdict: Verdict): boolean {
  return verdict.kind === 'BEHIND' || (verdict.kind === 'DIFFERENT' && verdict.reason === 'ORPHAN');
}

async function withoutProduct(database: Queryable, ids: readonly string[]): Promise<string[]> {
  const known = await readStreamPositions(database, ids);
  return ids.filter((id) => !known.has(id));
}

const REASONS: Record<DifferenceReason, string> = {
  FORK: 'another event has the same sequence number',
  COUNTS: 'other counts at the same sequence number',
  AHEAD: 'Redis is ahead of PostgreSQL',
  CORRUPT: 'the keys do not agree with each other',
  ORPHAN: 'keys of a product that is gone',
  TOMBSTONE: 'deleted in Redis, there in PostgreSQL',
};

function formatComparison({ verdict, stored, database }: ComparedProduct): string {
  const inRedis = stored.kind === 'RATING' ? formatState(stored.state) : stored.kind.toLowerCase();
  if (verdict.kind === 'UNCOUNTED') return `PostgreSQL cannot count its reviews; Redis ${inRedis}`;
  const inDatabase = database === null ? 'has no such product' : formatState(database);
  const reason = verdict.kind === 'DIFFERENT' ? `${REASONS[verdict.reason]}: ` : '';
  return `${reason}Redis ${inRedis}, PostgreSQL ${inDatabase}`;
}

function formatState({ seq, stars }: RatingState): string {
  return `seq ${seq}, 1 to 5 stars: ${stars.join(' ')}`;
}
