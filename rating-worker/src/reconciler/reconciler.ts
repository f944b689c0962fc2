import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { RunningLoop, type NextRound } from '@exact-ratings/shared/runtime/running-loop.js';
import { isCommandRefused } from '../connections.js';
import type { ReconcilerConfig } from './reconciler-config.js';
import type { CatalogueScan, DriftScan, OrphanScan, ScanKind, ScanReport } from '../drift/drift-scans.js';
import type { ScanConfig } from '../drift/scan-config.js';
import type { WorkerMetrics } from '../metrics.js';
import type { DataLossDetector } from './data-loss-detector.js';
import type { LeaderLease } from './leader-lease.js';
import type { RecentCheck } from './recent-check.js';

/** After a failure, Redis and PostgreSQL are left alone for up to this long. */
const PAUSE_AFTER_FAILURE_MS = 2_000;

export interface ReconcilerOptions {
  readonly scans: { readonly sequences: CatalogueScan; readonly counts: CatalogueScan; readonly orphans: OrphanScan };
  readonly recent: RecentCheck;
  readonly lease: LeaderLease;
  readonly detector: DataLossDetector;
  readonly config: ReconcilerConfig & Pick<ScanConfig, 'pageIntervalMs'>;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/** A scan, when it is due, and the loop that makes its pages. */
interface ScheduledScan {
  readonly scan: DriftScan;
  readonly intervalMs: number;
  readonly loop: RunningLoop;
  /** In ms since 1970, as `beganAt`. */
  dueAt: number;
  /** Undefined between two scans. */
  beganAt: number | undefined;
  /** How often it was asked for out of turn. */
  requests: number;
}

/**
 * Finds ratings that differ from PostgreSQL and has them repaired. The process that holds the lease makes the three scans over
 * all products, each in a loop of its own, so that none holds up another; every process checks what it consumed lately.
 */
export class Reconciler {
  private readonly scheduled: Readonly<Record<ScanKind, ScheduledScan>>;
  private readonly loops: readonly RunningLoop[];
  /** The scans of which it was logged that Redis refuses their commands. */
  private readonly refused = new Set<ScanKind>();
  private leading = false;

  constructor(private readonly options: ReconcilerOptions) {
    const { scans, config } = options;
    this.scheduled = {
      sequences: this.schedule(scans.sequences, config.sequenceScanIntervalMs),
      counts: this.schedule(scans.counts, config.countsScanIntervalMs),
      orphans: this.schedule(scans.orphans, config.orphanScanIntervalMs),
    };
    this.loops = [
      this.createLoop('the heartbeat', () => this.beat()),
      this.createLoop('the check of recent products', (signal) => this.checkRecent(signal)),
      ...Object.values(this.scheduled).map(({ loop }) => loop),
    ];
  }

  start(): void {
    for (const loop of this.loops) loop.start();
  }

  /** Requests that everything be compared as soon as possible, by whichever process leads. */
  async requestComparison(): Promise<void> {
    await this.options.detector.requestComparison();
  }

  async stop(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
    if (this.leading) await this.options.lease.release();
  }

  private createLoop(what: string, round: (signal: AbortSignal) => Promise<NextRound>): RunningLoop {
    return new RunningLoop({
      round,
      backoff: { initialMs: PAUSE_AFTER_FAILURE_MS, maxMs: PAUSE_AFTER_FAILURE_MS },
      logger: this.options.logger,
      onFailing: `reconciler: ${what} failed and is tried again`,
      onRecovered: `reconciler: ${what} goes on`,
    });
  }

  private schedule(scan: DriftScan, intervalMs: number): ScheduledScan {
    const scheduled: ScheduledScan = {
      scan,
      intervalMs,
      loop: this.createLoop(`the scan of ${scan.kind}`, (signal) => this.scanPage(scheduled, signal)),
      dueAt: 0,
      beganAt: undefined,
      requests: 0,
    };
    return scheduled;
  }

  private async beat(): Promise<NextRound> {
    const { lease, detector, config, metrics, logger } = this.options;
    const leads = await lease.hold();
    const tookOver = leads && !this.leading;
    if (leads !== this.leading) {
      logger.info(leads ? 'reconciler: this process leads' : 'reconciler: another process leads');
    }
    this.leading = leads;
    const { lostData, isNew, requested } = await detector.check(leads);
    if (lostData) {
      metrics.redisDataLosses.inc();
      logger.warn('Redis lost data: everything is compared, and filled again');
    }
    if (lostData || isNew) this.options.scans.sequences.restart({ refill: true });
    if (lostData || isNew || tookOver || (leads && requested)) this.request('sequences', 'counts', 'orphans');
    return { afterMs: config.heartbeatMs, orWhenWoken: true };
  }

  /** Has the scans made at once, or again at once after the one under way: restarted each time, a long one might never end. */
  private request(...kinds: ScanKind[]): void {
    for (const kind of kinds) {
      const scheduled = this.scheduled[kind];
      scheduled.requests += 1;
      scheduled.dueAt = 0;
      scheduled.loop.wake();
    }
  }

  /** One page of the scan where this process leads and the scan is due. */
  private async scanPage(scheduled: ScheduledScan, signal: AbortSignal): Promise<NextRound> {
    const { scan, intervalMs, dueAt, requests } = scheduled;
    const now = Date.now();
    if (!this.leading) return { afterMs: intervalMs, orWhenWoken: true };
    if (dueAt > now) return { afterMs: dueAt - now, orWhenWoken: true };
    scheduled.beganAt ??= now;
    const report = await this.nextPage(scheduled, signal);
    if (report === 'refused') return { afterMs: intervalMs, orWhenWoken: false };
    if (report === null) {
      const spentMs = Date.now() - now;
      return { afterMs: Math.max(0, this.options.config.pageIntervalMs - spentMs), orWhenWoken: false };
    }
    this.completed(scan.kind, report, Date.now() - scheduled.beganAt);
    scheduled.beganAt = undefined;
    scheduled.dueAt = scheduled.requests === requests ? Date.now() + intervalMs : 0;
    // A PostgreSQL restored from an older backup leaves more traces than the sequence numbers show.
    if (scan.kind === 'sequences' && report.timelineDiverged) this.request('counts', 'orphans');
    return { afterMs: Math.max(0, scheduled.dueAt - Date.now()), orWhenWoken: true };
  }

  /** The next page, or 'refused' where this Redis user may not run the commands that the scan takes. */
  private async nextPage(
    { scan, intervalMs }: ScheduledScan,
    signal: AbortSignal,
  ): Promise<ScanReport | null | 'refused'> {
    try {
      return await scan.nextPage(signal);
    } catch (error) {
      if (!isCommandRefused(error)) throw error;
      const { logger } = this.options;
      logger[this.refused.has(scan.kind) ? 'debug' : 'warn'](
        { scan: scan.kind, reason: errorMessage(error), retryInMs: intervalMs },
        'reconciler: this Redis user may not run a command that a scan takes: allow it by ACL (for orphans +scan)',
      );
      this.refused.add(scan.kind);
      return 'refused';
    }
  }

  private completed(kind: ScanKind, report: ScanReport, milliseconds: number): void {
    const { metrics, logger } = this.options;
    metrics.scans.inc({ scan: kind });
    metrics.lastScan.set({ scan: kind }, Date.now() / 1_000);
    logger[report.found > 0 ? 'info' : 'debug']({ scan: kind, ...report, milliseconds }, 'reconciler: scan completed');
  }

  private async checkRecent(signal: AbortSignal): Promise<NextRound> {
    const { recent, config, logger } = this.options;
    const report = await recent.run(signal);
    if (report.found > 0) logger.info({ scan: 'recent', ...report }, 'reconciler: recent products checked');
    return { afterMs: config.recentIntervalMs, orWhenWoken: true };
  }
}
