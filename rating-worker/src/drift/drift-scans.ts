import { readStreamPositions } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { sequenceOf } from '@exact-ratings/shared/rating/rating-state.js';
import { sleep } from '@exact-ratings/shared/runtime/backoff.js';
import type { WorkerMetrics } from '../metrics.js';
import { findPersistedDrift } from '../persistence/persisted-drift.js';
import type { ProductRatings } from '../persistence/product-ratings.js';
import {
  compareProducts,
  countedAggregates,
  type ComparedProduct,
  type ComparisonDepth,
  type ComparisonSources,
} from './compare-products.js';
import type { DifferenceReason } from './compare-rating.js';
import { DIVERGED_KINDS, type DriftFinding, type DriftKind, type DriftRepairer } from './drift-repairer.js';
import { readProductPage } from './product-scan.js';
import type { ScanConfig } from './scan-config.js';

export type ScanKind = ComparisonDepth | 'orphans';

export interface ScanReport {
  compared: number;
  /** Their events were in transit. */
  lagging: number;
  /** Proven to differ, or to have to be filled again. */
  found: number;
  repaired: number;
  /** PostgreSQL could not count their reviews, so they were not compared. */
  uncounted: number;
  /** Some differ in a way that only a PostgreSQL restored from an older backup explains. */
  timelineDiverged: boolean;
}

export interface ScanParts extends ComparisonSources {
  readonly repairer: DriftRepairer;
  readonly ratings: ProductRatings;
  readonly config: ScanConfig;
  readonly metrics: WorkerMetrics;
}

/** A scan over all products, made page by page, which remembers its position from one page to the next. */
export interface DriftScan {
  readonly kind: ScanKind;
  /** What was found since the scan began. */
  readonly report: Readonly<ScanReport>;
  /**
   * Compares the next page and repairs what differs there.
   * @returns the report of the whole scan after its last page, else null; the next call then begins a new scan
   * @throws the database's error or ioredis's; the next call repeats the page
   */
  nextPage(signal: AbortSignal): Promise<ScanReport | null>;
  /** Begins anew at the first page. */
  restart(): void;
}

/** The counts scan reads the reviews of each product, so its pages are smaller by this factor. */
const COUNTS_PAGE_DIVISOR = 5;
/** Lagging products are looked at again in batches of this size, so that memory does not grow with the catalogue. */
const MAX_LAGGING = 10_000;

/** Makes all pages of a scan; returns early, with what was found so far, once aborted. */
export async function runScan(scan: DriftScan, pageIntervalMs: number, signal: AbortSignal): Promise<ScanReport> {
  while (!signal.aborted) {
    const pageDone = sleep(pageIntervalMs, signal);
    const report = await scan.nextPage(signal);
    if (report !== null) return report;
    await pageDone;
  }
  return scan.report;
}

/**
 * The scan from PostgreSQL to Redis: compares every product's sequence number, or also its counts. Lag is told apart from drift
 * by looking again after `graceMs`: what has not moved by then is rebuilt, which harms no lag.
 */
export class CatalogueScan implements DriftScan {
  report = emptyReport();
  private after: string | null = null;
  private atEnd = false;
  private lagging: DriftFinding[] = [];
  private refilling = false;

  constructor(
    readonly kind: ComparisonDepth,
    private readonly parts: ScanParts,
  ) {}

  /** @param refill also fill what is not there, because Redis lost it. Otherwise readers fill what they ask for. */
  restart({ refill = false } = {}): void {
    this.report = emptyReport();
    this.after = null;
    this.atEnd = false;
    this.lagging = [];
    this.refilling ||= refill;
  }

  async nextPage(signal: AbortSignal): Promise<ScanReport | null> {
    const { report } = this;
    if (this.lagging.length >= MAX_LAGGING || (this.atEnd && this.lagging.length > 0)) await this.checkLagging(signal);
    else await this.comparePage(signal);
    // Restarted meanwhile, or aborted in the middle.
    if (report !== this.report || signal.aborted || !this.atEnd || this.lagging.length > 0) return null;
    this.parts.metrics.lagging.set(report.lagging);
    this.refilling = false;
    this.restart();
    return report;
  }

  private async comparePage(signal: AbortSignal): Promise<void> {
    const { database, config, metrics } = this.parts;
    const { report, refilling } = this;
    const size = this.kind === 'counts' ? Math.ceil(config.pageSize / COUNTS_PAGE_DIVISOR) : config.pageSize;
    const { ids, withoutStream } = await readProductPage(database, this.after, size);
    const findings: DriftFinding[] = [];
    const lagging: DriftFinding[] = [];
    const compared = await compareProducts(this.parts, ids, this.kind);
    for (const product of compared) {
      const { productId, verdict } = product;
      const seq = sequenceOf(product.stored);
      if (verdict.kind === 'BEHIND') lagging.push({ productId, kind: 'stalled', seq });
      else if (verdict.kind === 'UNCOUNTED') report.uncounted += 1;
      // An orphan was deleted since its page was read; the orphan scan finds what is left of it.
      else if (verdict.kind === 'DIFFERENT' && verdict.reason !== 'ORPHAN') {
        findings.push({ productId, kind: DRIFT[verdict.reason], seq });
      } else if (withoutStream.has(productId)) findings.push({ productId, kind: 'streamless', seq });
      else if (verdict.kind === 'MISSING' && refilling && product.database!.seq > 0) {
        findings.push({ productId, kind: 'refill', seq });
      }
    }
    await repairInto(report, this.parts.repairer, findings, signal);
    if (this.kind === 'counts') await this.repairPersisted(report, compared, findings);
    report.compared += ids.length;
    metrics.compared.inc({ scan: this.kind }, ids.length);
    if (report !== this.report) return;
    this.lagging.push(...lagging);
    this.after = ids.at(-1) ?? this.after;
    this.atEnd = ids.length < size;
  }

  /** What was repaired in Redis is dirty now, and persisted by the next pass. */
  private async repairPersisted(
    report: ScanReport,
    compared: readonly ComparedProduct[],
    findings: readonly DriftFinding[],
  ): Promise<void> {
    const { ratings, metrics } = this.parts;
    const aggregates = countedAggregates(compared);
    for (const { productId } of findings) aggregates.delete(productId);
    const drifted = await findPersistedDrift(ratings, aggregates);
    if (drifted.length === 0) return;
    const { persisted } = await ratings.persist(drifted, { onlyDirty: false });
    metrics.drifted.inc({ kind: 'persisted' }, drifted.length);
    metrics.repaired.inc({ kind: 'persisted' }, persisted);
    report.found += drifted.length;
    report.repaired += persisted;
  }

  private async checkLagging(signal: AbortSignal): Promise<void> {
    const { repairer, config } = this.parts;
    const { report, lagging } = this;
    await sleep(config.graceMs, signal);
    if (signal.aborted) return;
    while (lagging.length > 0) {
      const before = new Map(lagging.slice(0, config.pageSize).map(({ productId, seq }) => [productId, seq]));
      const stalled: DriftFinding[] = [];
      for (const { productId, stored, verdict } of await compareProducts(this.parts, [...before.keys()], 'sequences')) {
        const seq = sequenceOf(stored);
        if (verdict.kind !== 'BEHIND') continue;
        if (before.get(productId) === seq) stalled.push({ productId, kind: 'stalled', seq });
        else report.lagging += 1;
      }
      await repairInto(report, repairer, stalled, signal);
      lagging.splice(0, config.pageSize);
    }
  }
}

/** The scan from Redis to PostgreSQL: finds keys whose product is gone. A deletion in transit is given `graceMs`. */
export class OrphanScan implements DriftScan {
  readonly kind = 'orphans';
  report = emptyReport();
  private cursor = '0';

  constructor(private readonly parts: ScanParts) {}

  restart(): void {
    this.report = emptyReport();
    this.cursor = '0';
  }

  async nextPage(signal: AbortSignal): Promise<ScanReport | null> {
    const { store, repairer, config, metrics } = this.parts;
    const { report } = this;
    const { cursor, productIds } = await store.scanPage(this.cursor, config.pageSize);
    const suspects = await this.findOrphans(productIds);
    metrics.compared.inc({ scan: this.kind }, productIds.length);
    if (suspects.length > 0) {
      await sleep(config.graceMs, signal);
      if (signal.aborted) return null;
      const orphans = await this.findOrphans(suspects.map(({ productId }) => productId));
      await repairInto(report, repairer, orphans, signal);
    }
    report.compared += productIds.length;
    if (report !== this.report || signal.aborted) return null;
    this.cursor = cursor;
    if (cursor !== '0') return null;
    this.restart();
    return report;
  }

  private async findOrphans(ids: readonly string[]): Promise<DriftFinding[]> {
    const stored = await this.parts.store.inspectMany(ids);
    const known = await readStreamPositions(this.parts.database, ids);
    return ids.flatMap((productId, i): DriftFinding[] => {
      const { kind } = stored[i]!;
      if (known.has(productId) || kind === 'ABSENT' || kind === 'DELETED') return [];
      return [{ productId, kind: 'orphan', seq: sequenceOf(stored[i]!) }];
    });
  }
}

const DRIFT: Record<Exclude<DifferenceReason, 'ORPHAN'>, DriftKind> = {
  FORK: 'fork',
  COUNTS: 'counts',
  AHEAD: 'ahead',
  CORRUPT: 'corrupt',
  TOMBSTONE: 'tombstone',
};

async function repairInto(
  report: ScanReport,
  repairer: DriftRepairer,
  findings: readonly DriftFinding[],
  signal: AbortSignal,
): Promise<void> {
  const repaired = await repairer.repair(findings, signal);
  report.found += findings.length;
  report.repaired += repaired;
  report.timelineDiverged ||= findings.some(({ kind }) => DIVERGED_KINDS.includes(kind));
}

function emptyReport(): ScanReport {
  return { compared: 0, lagging: 0, found: 0, repaired: 0, uncounted: 0, timelineDiverged: false };
}
