import {
  readLastSequences,
  readRatingAggregates,
  type Queryable,
} from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingState, StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { sleep } from '@exact-ratings/shared/runtime/backoff.js';
import { compareRating, type DifferenceReason } from './compare-rating.js';
import { productPages } from './product-scan.js';
import type { ScanConfig } from './scan-config.js';
import type { WorkerMetrics } from '../metrics.js';
import type { DriftKind, Finding, Healer } from './drift-repairer.js';
import type { RecentProducts } from '../reconciler/recent-products.js';

export interface PassReport {
  compared: number;
  /** Their events were under way. */
  behind: number;
  /** Proven to differ, or to have to be filled again. */
  found: number;
  healed: number;
  /** Some differ in a way that only a PostgreSQL put back to the past explains. */
  restored: boolean;
}

export interface ForwardPass {
  /** Compare the counts too, not only the numbers. */
  readonly content: boolean;
  /** Fill what is not there: Redis lost it. Otherwise readers fill what they ask for. */
  readonly refill: boolean;
}

/** The content pass reads the counts of each product, so its pages are smaller. */
const CONTENT_PAGE_SHARE = 5;
/** What is behind is looked at again in batches of this size, so that memory does not grow with the catalogue. */
const MAX_BEHIND = 10_000;

/**
 * The passes over all products. Each reads Redis first, then SQL: in a sound history SQL is then never behind, so
 * what differs is proven.
 */
export class Passes {
  constructor(
    private readonly store: RatingStore,
    private readonly database: Queryable,
    private readonly healer: Healer,
    private readonly config: ScanConfig,
    private readonly metrics: WorkerMetrics,
    /** Whether keys expire, so that a product without any has not lost them. */
    private readonly keysExpire: boolean,
  ) {}

  /** From SQL to Redis: every product's keys. Ends early once aborted. */
  async forward({ content, refill }: ForwardPass, signal: AbortSignal): Promise<PassReport> {
    const report = emptyReport();
    const pageSize = content ? Math.ceil(this.config.pageSize / CONTENT_PAGE_SHARE) : this.config.pageSize;
    let behind: Finding[] = [];
    for await (const ids of productPages(this.database, pageSize)) {
      const pageDone = sleep(this.config.pageIntervalMs, signal);
      const { findings, stillBehind } = await this.comparePage(ids, content, refill);
      report.compared += ids.length;
      this.metrics.compared.inc({ pass: content ? 'content' : 'seq' }, ids.length);
      await this.healInto(report, findings, signal);
      behind.push(...stillBehind);
      if (behind.length >= MAX_BEHIND) {
        await this.lookAgain(behind, report, signal);
        behind = [];
      }
      await pageDone;
      if (signal.aborted) return report;
    }
    await this.lookAgain(behind, report, signal);
    return report;
  }

  /** From Redis to SQL: keys whose product is gone. A deletion on its way is given time. */
  async reverse(signal: AbortSignal): Promise<PassReport> {
    const report = emptyReport();
    for await (const ids of this.store.scanProductIds(this.config.pageSize)) {
      const pageDone = sleep(this.config.pageIntervalMs, signal);
      const suspects = await this.findOrphans(ids);
      report.compared += ids.length;
      this.metrics.compared.inc({ pass: 'reverse' }, ids.length);
      if (suspects.length > 0) {
        await sleep(this.config.graceMs, signal);
        if (signal.aborted) return report;
        await this.healInto(report, await this.findOrphans(suspects.map(({ productId }) => productId)), signal);
      }
      await pageDone;
      if (signal.aborted) return report;
    }
    return report;
  }

  /** The products consumed lately: whether what was written is still there. */
  async recent(products: RecentProducts, signal: AbortSignal): Promise<PassReport> {
    const report = emptyReport();
    const settled = products.settled(this.config.graceMs);
    for (let start = 0; start < settled.length && !signal.aborted; start += this.config.pageSize) {
      const page = settled.slice(start, start + this.config.pageSize);
      const stored = await this.store.inspectMany(page.map(({ productId }) => productId));
      report.compared += page.length;
      this.metrics.compared.inc({ pass: 'recent' }, page.length);
      const doubtful = page.filter(({ seq }, i) => !this.holds(stored[i]!, seq)).map(({ productId }) => productId);
      const known = await readLastSequences(this.database, doubtful);
      for (const productId of doubtful) if (!known.has(productId)) products.forget(productId);
      const lost = doubtful.filter((productId) => known.has(productId));
      await this.healInto(
        report,
        lost.map((productId) => ({ productId, kind: 'lost', seq: 0 })),
        signal,
      );
    }
    return report;
  }

  private async comparePage(
    ids: readonly string[],
    content: boolean,
    refill: boolean,
  ): Promise<{ findings: Finding[]; stillBehind: Finding[] }> {
    const stored = await this.store.inspectMany(ids);
    const sql = content ? await this.readStates(ids) : await this.readNumbers(ids, stored);
    const findings: Finding[] = [];
    const stillBehind: Finding[] = [];
    ids.forEach((productId, i) => {
      const state = sql.get(productId) ?? null;
      const verdict = compareRating(stored[i]!, state);
      const seq = numberOf(stored[i]!);
      if (verdict.kind === 'BEHIND') stillBehind.push({ productId, kind: 'stalled', seq });
      else if (verdict.kind === 'DIFFERENT') findings.push({ productId, kind: DRIFT[verdict.reason], seq });
      else if (verdict.kind === 'MISSING' && refill && state!.seq > 0)
        findings.push({ productId, kind: 'refill', seq });
    });
    // Deleted since its page was read: the reverse pass looks after what is gone.
    return { findings: findings.filter(({ kind }) => kind !== 'orphan'), stillBehind };
  }

  /** Behind is lag as long as it moves. What has not moved in the time of grace is rebuilt, which harms no lag. */
  private async lookAgain(behind: readonly Finding[], report: PassReport, signal: AbortSignal): Promise<void> {
    if (behind.length > 0) await sleep(this.config.graceMs, signal);
    if (signal.aborted) return;
    for (let start = 0; start < behind.length; start += this.config.pageSize) {
      const page = behind.slice(start, start + this.config.pageSize);
      const { stillBehind } = await this.comparePage(
        page.map(({ productId }) => productId),
        false,
        false,
      );
      const before = new Map(page.map(({ productId, seq }) => [productId, seq]));
      const stalled = stillBehind.filter(({ productId, seq }) => before.get(productId) === seq);
      report.behind += stillBehind.length - stalled.length;
      await this.healInto(report, stalled, signal);
    }
    this.metrics.behind.set(report.behind);
  }

  private async findOrphans(ids: readonly string[]): Promise<Finding[]> {
    const stored = await this.store.inspectMany(ids);
    const known = await readLastSequences(this.database, ids);
    return ids.flatMap((productId, i): Finding[] => {
      const { kind } = stored[i]!;
      if (known.has(productId) || kind === 'ABSENT' || kind === 'DELETED') return [];
      return [{ productId, kind: 'orphan', seq: numberOf(stored[i]!) }];
    });
  }

  private async healInto(report: PassReport, findings: readonly Finding[], signal: AbortSignal): Promise<void> {
    report.found += findings.length;
    report.restored ||= findings.some(({ kind }) => RESTORED.includes(kind));
    report.healed += await this.healer.heal(findings, signal);
  }

  private holds(stored: StoredRating, seq: number): boolean {
    if (stored.kind === 'ABSENT') return this.keysExpire;
    return stored.kind !== 'CORRUPT' && numberOf(stored) >= seq;
  }

  private async readStates(ids: readonly string[]): Promise<Map<string, RatingState>> {
    const snapshots = await readRatingAggregates(this.database, ids);
    return new Map(snapshots.map((snapshot) => [snapshot.productId, snapshot]));
  }

  /** The counts are taken over from Redis: this pass compares the numbers alone. */
  private async readNumbers(
    ids: readonly string[],
    stored: readonly StoredRating[],
  ): Promise<Map<string, RatingState>> {
    const numbers = await readLastSequences(this.database, ids);
    const states = new Map<string, RatingState>();
    ids.forEach((productId, i) => {
      const seq = numbers.get(productId);
      const redis = stored[i]!;
      if (seq === undefined) return;
      states.set(productId, { seq, stars: redis.kind === 'RATING' ? redis.state.stars : [0, 0, 0, 0, 0] });
    });
    return states;
  }
}

const DRIFT: Record<DifferenceReason, DriftKind> = {
  CONTENT: 'content',
  AHEAD: 'ahead',
  CORRUPT: 'corrupt',
  ORPHAN: 'orphan',
  TOMBSTONE: 'tombstone',
};
const RESTORED: readonly DriftKind[] = ['content', 'ahead', 'tombstone'];

function emptyReport(): PassReport {
  return { compared: 0, behind: 0, found: 0, healed: 0, restored: false };
}

function numberOf(stored: StoredRating): number {
  if (stored.kind === 'RATING') return stored.state.seq;
  return stored.kind === 'DELETED' ? stored.seq : 0;
}
