import { setMaxListeners } from 'node:events';
import { sleep } from '@exact-ratings/shared/runtime/backoff.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { ReconcilerConfig } from './reconciler-config.js';
import type { WorkerMetrics } from '../metrics.js';
import type { LeaderLease } from './leader-lease.js';
import type { PassReport, Passes } from '../drift/drift-scans.js';
import type { RecentProducts } from './recent-products.js';
import type { RedisSigns } from './data-loss-detector.js';

type PassName = 'seq' | 'content' | 'reverse';

/** After a failure, Redis and PostgreSQL are left alone for this long. */
const PAUSE_AFTER_FAILURE_MS = 2_000;
/** How soon a pass that became due is begun. */
const LOOK_MS = 100;

/**
 * Finds what differs from SQL and heals it. One process of the cluster makes the passes over all products; each looks
 * after what it consumed lately.
 */
export class Reconciler {
  private readonly stopping = new AbortController();
  private readonly dueAt: Record<PassName, number> = { seq: 0, content: 0, reverse: 0 };
  private leading = false;
  private refill = false;
  private pass: AbortController | undefined;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly passes: Passes,
    private readonly recent: RecentProducts,
    private readonly lease: LeaderLease,
    private readonly signs: RedisSigns,
    private readonly config: ReconcilerConfig,
    private readonly metrics: WorkerMetrics,
    private readonly logger: Logger,
  ) {
    setMaxListeners(0, this.stopping.signal);
  }

  start(): void {
    this.running = Promise.all([
      this.repeat('heartbeat', this.config.heartbeatMs, () => this.beat()),
      this.repeat('passes', LOOK_MS, () => this.makeDuePass()),
      this.repeat('recent products', this.config.recentIntervalMs, () => this.checkRecent()),
    ]);
  }

  /** Has everything compared as soon as possible, by whichever process leads. */
  async requestComparison(): Promise<void> {
    await this.signs.requestComparison();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.pass?.abort();
    await this.running;
    if (this.leading) await this.lease.release();
  }

  private async repeat(name: string, intervalMs: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.stopping;
    let failing = false;
    while (!signal.aborted) {
      try {
        await work();
        failing = false;
        await sleep(intervalMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.logger[failing ? 'debug' : 'warn'](
          { reason: errorMessage(error) },
          `reconciler: ${name} failed, goes on later`,
        );
        failing = true;
        await sleep(PAUSE_AFTER_FAILURE_MS, signal);
      }
    }
  }

  private async beat(): Promise<void> {
    const leads = await this.lease.hold();
    if (leads !== this.leading) {
      this.logger.info(leads ? 'reconciler: this process leads' : 'reconciler: another process leads');
      if (leads) this.everythingIsDue();
      else this.pass?.abort();
      this.leading = leads;
    }
    const { lostData, isNew, requested } = await this.signs.look(leads);
    if (lostData) {
      this.metrics.redisLosses.inc();
      this.logger.warn('Redis lost data: everything is compared, and filled again');
    }
    if (lostData || isNew) this.refill = true;
    if (lostData || isNew || (leads && requested)) {
      this.everythingIsDue();
      this.pass?.abort();
    }
  }

  private everythingIsDue(): void {
    this.dueAt.seq = this.dueAt.content = this.dueAt.reverse = 0;
  }

  private async makeDuePass(): Promise<void> {
    if (!this.leading) return;
    const due = (['seq', 'content', 'reverse'] as const).find((name) => this.dueAt[name] <= Date.now());
    if (due === undefined) return;
    const { refill } = this;
    const pass = (this.pass = new AbortController());
    const began = Date.now();
    const report =
      due === 'reverse'
        ? await this.passes.reverse(pass.signal)
        : await this.passes.forward({ content: due === 'content', refill: refill && due === 'seq' }, pass.signal);
    if (pass.signal.aborted) return;
    this.dueAt[due] = Date.now() + this.intervalOf(due);
    if (due === 'seq' && refill) this.refill = false;
    // A PostgreSQL put back to the past leaves more traces than the numbers show.
    if (due === 'seq' && report.restored) this.dueAt.content = this.dueAt.reverse = 0;
    this.metrics.passes.inc({ pass: due });
    this.report(due, report, Date.now() - began);
  }

  private async checkRecent(): Promise<void> {
    const report = await this.passes.recent(this.recent, this.stopping.signal);
    if (report.found > 0) this.report('recent', report, 0);
  }

  private report(pass: string, report: PassReport, milliseconds: number): void {
    const { compared, behind, found, healed } = report;
    const level = found > 0 ? 'info' : 'debug';
    this.logger[level]({ pass, compared, behind, found, healed, milliseconds }, 'reconciler: pass completed');
  }

  private intervalOf(pass: PassName): number {
    const { sequenceScanIntervalMs, countsScanIntervalMs, orphanScanIntervalMs } = this.config;
    return { seq: sequenceScanIntervalMs, content: countsScanIntervalMs, reverse: orphanScanIntervalMs }[pass];
  }
}
