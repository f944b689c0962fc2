import type { ApplyStatus, RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Job } from 'bullmq';
import type { JobConfig } from '../queue/queue-config.js';
import type { WorkerMetrics } from '../metrics.js';
import {
  APPLY_JOB,
  occurredAt,
  REBUILD_JOB,
  toRatingChange,
  type ApplyJob,
  type QueuedChange,
  type QueuedProduct,
  type RebuildJob,
} from '../queue/rating-job.js';
import { SnoozeJobError, type RatingJob } from '../queue/rating-job-worker.js';
import type { RatingQueue } from '../queue/rating-queue.js';
import { isStatementTooLarge } from './database-failure.js';
import { DatabaseUnavailableError } from './guarded-database.js';
import type { RatingRebuilder, RebuildResult } from './rating-rebuilder.js';
import type { SequenceAdvancer } from './sequence-advancer.js';
import type { SetAsideProducts } from './set-aside-products.js';

/** A deferred rebuild is started again after a delay that doubles up to this. */
const MAX_REBUILD_DELAY_MS = 15_000;
const FIRST_REBUILD_DELAY_MS = 1_000;
/** A job of an unknown version is offered to the other workers again after this time. */
const UNKNOWN_JOB_DELAY_MS = 2_000;

const NOTHING: RebuildResult = { sequences: new Map(), setAside: [] };

export interface RatingProcessorOptions {
  readonly store: RatingStore;
  readonly rebuilder: RatingRebuilder;
  readonly advancer: SequenceAdvancer;
  readonly setAside: Pick<SetAsideProducts, 'retryInMs'>;
  readonly queue: Pick<RatingQueue, 'addRebuild' | 'countDelayed'>;
  readonly config: Pick<JobConfig, 'maxDeferredRebuilds'>;
  readonly metrics: WorkerMetrics;
  /** Called when events of so many products belong to a timeline that PostgreSQL has discarded. */
  readonly onTimelineDiverged: (products: number) => void;
}

/** A product at one of whose events the script stopped, and why. */
interface StoppedProduct extends QueuedProduct {
  readonly status: ApplyStatus;
}

/** Processes jobs: applies events in one script call, and rebuilds the products for which the script could not. */
export class RatingProcessor {
  constructor(private readonly options: RatingProcessorOptions) {}

  /** @throws SnoozeJobError for what has to wait for PostgreSQL, or for a worker of a newer release; any other error leads to the job's next attempt. */
  async process(job: RatingJob): Promise<void> {
    switch (job.name) {
      case APPLY_JOB:
        return this.apply(job.data as ApplyJob);
      case REBUILD_JOB:
        return this.rebuild(job as Job<RebuildJob>);
      default:
        // Added by a newer release, whose worker takes it; this one must not guess what its data means.
        throw new SnoozeJobError(UNKNOWN_JOB_DELAY_MS);
    }
  }

  private async apply({ products }: ApplyJob): Promise<void> {
    const { store, metrics } = this.options;
    const results = await store.apply(
      products.map(({ productId, changes }) => ({ productId, changes: changes.map(toRatingChange) })),
    );
    const appliedAt = Date.now();
    const stopped = products.flatMap((product, i) => {
      const { status } = results[i]!;
      return status === 'OK' ? [] : [{ ...product, status }];
    });
    const { sequences, setAside } = stopped.length === 0 ? NOTHING : await this.rebuildOrDefer(stopped);
    const rebuiltAt = Date.now();

    results.forEach(({ productId, status, applied, duplicates }, i) => {
      const { changes } = products[i]!;
      metrics.events.inc({ result: 'applied' }, applied);
      metrics.events.inc({ result: 'duplicate' }, duplicates);
      if (status === 'OK') return this.observeFreshness(changes.slice(duplicates), appliedAt);

      const rest = changes.length - applied - duplicates;
      if (status === 'GAP' || status === 'BROKEN') metrics.gaps.inc();
      if (setAside.includes(productId)) {
        metrics.events.inc({ result: 'deferred' }, rest);
      } else if (sequences.has(productId)) {
        metrics.events.inc({ result: 'rebuilt' }, rest);
        metrics.rebuilds.inc({ reason: status.toLowerCase() });
        this.observeFreshness(changes.slice(duplicates), rebuiltAt);
      } else {
        metrics.events.inc({ result: 'unknown_product' }, rest);
      }
    });
  }

  /**
   * Rebuilds all of them by one statement or, while PostgreSQL is down or where they do not fit into one, by one job for later, which
   * nobody waits for. Of products that are set aside already, such a job or the reconciler takes care.
   */
  private async rebuildOrDefer(products: readonly StoppedProduct[]): Promise<RebuildResult> {
    const { rebuilder, queue, config } = this.options;
    const productIds = products.map(({ productId }) => productId);
    try {
      const rebuilt = await rebuilder.rebuildAtOnce(productIds);
      await this.discardTimeline(products, rebuilt.sequences);
      return rebuilt;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError || isStatementTooLarge(error))) throw error;
      // Beyond the limit the job itself waits, and with it the partition: the backlog stays in Kafka.
      if ((await queue.countDelayed()) >= config.maxDeferredRebuilds) throw new SnoozeJobError(FIRST_REBUILD_DELAY_MS);
      await queue.addRebuild({ productIds, reason: 'deferred' }, FIRST_REBUILD_DELAY_MS);
      return { sequences: new Map(), setAside: productIds };
    }
  }

  /**
   * PostgreSQL was read after these events were consumed. Where its last_seq is lower than an event's seq, or where the state had
   * another event of the same seq, PostgreSQL was restored from an older backup, and events belong to the discarded timeline.
   */
  private async discardTimeline(
    products: readonly StoppedProduct[],
    sequences: RebuildResult['sequences'],
  ): Promise<void> {
    const discardedEvents = products
      .map(({ productId, changes, status }) => ({ productId, seq: changes.at(-1)![0], status }))
      .filter(({ productId, seq, status }) => status === 'FORK' || seq > (sequences.get(productId) ?? seq));
    if (discardedEvents.length === 0) return;
    await this.options.advancer.advance(discardedEvents);
    this.options.onTimelineDiverged(discardedEvents.length);
  }

  private async rebuild(job: Job<RebuildJob>): Promise<void> {
    const { rebuilder, setAside, metrics } = this.options;
    const { productIds, reason } = job.data;
    let rebuilt: RebuildResult;
    try {
      rebuilt = await rebuilder.rebuild(productIds);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      const ageMs = Date.now() - job.timestamp;
      throw new SnoozeJobError(Math.max(FIRST_REBUILD_DELAY_MS, Math.min(ageMs, MAX_REBUILD_DELAY_MS)));
    }
    metrics.rebuilds.inc({ reason }, rebuilt.sequences.size);
    if (rebuilt.setAside.length === 0) return;
    await job.updateData({ productIds: rebuilt.setAside, reason });
    throw new SnoozeJobError(Math.max(FIRST_REBUILD_DELAY_MS, setAside.retryInMs(rebuilt.setAside)));
  }

  private observeFreshness(changes: readonly QueuedChange[], appliedAt: number): void {
    for (const change of changes) {
      this.options.metrics.freshness.observe(Math.max(0, appliedAt - occurredAt(change)) / 1_000);
    }
  }
}
