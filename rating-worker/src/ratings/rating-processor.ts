import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
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
import type { RatingQueue } from '../queue/rating-queue.js';
import { PutOffError, type RatingJob } from '../queue/rating-job-worker.js';
import { DatabaseUnavailableError, type Rebuilder } from './rating-rebuilder.js';

/** Rebuilds put off are tried again after a time that doubles up to this. */
const MAX_REBUILD_DELAY_MS = 15_000;
const FIRST_REBUILD_DELAY_MS = 1_000;

/** Does the jobs: applies events in one script call, and rebuilds what the script could not build on. */
export class RatingProcessor {
  constructor(
    private readonly store: RatingStore,
    private readonly rebuilder: Rebuilder,
    private readonly queue: RatingQueue,
    private readonly config: JobConfig,
    private readonly metrics: WorkerMetrics,
    /** Hears of events that PostgreSQL has forgotten. */
    private readonly onGhosts: (products: number) => void,
  ) {}

  /** @throws PutOffError for what has to wait for PostgreSQL; anything else makes the job's next attempt. */
  async process(job: RatingJob): Promise<void> {
    switch (job.name) {
      case APPLY_JOB:
        return this.apply(job.data as ApplyJob);
      case REBUILD_JOB:
        return this.rebuild(job.data as RebuildJob, Date.now() - job.timestamp);
      default:
        return unknownJob(job.name);
    }
  }

  private async apply({ products }: ApplyJob): Promise<void> {
    const results = await this.store.apply(
      products.map(({ productId, changes }) => ({ productId, changes: changes.map(toRatingChange) })),
    );
    const appliedAt = Date.now();
    const unknown = products.filter((_, i) => results[i]!.status !== 'OK');
    const rebuilt = unknown.length === 0 ? new Map<string, number>() : await this.rebuildNowOrLater(unknown);
    const rebuiltAt = Date.now();

    results.forEach(({ productId, status, applied, duplicates }, i) => {
      const { changes } = products[i]!;
      this.metrics.events.inc({ result: 'applied' }, applied);
      this.metrics.events.inc({ result: 'duplicate' }, duplicates);
      if (status === 'OK') return this.observeFreshness(changes.slice(duplicates), appliedAt);

      const rest = changes.length - applied - duplicates;
      if (status !== 'MISSING') this.metrics.gaps.inc();
      if (rebuilt === 'later') {
        this.metrics.events.inc({ result: 'deferred' }, rest);
      } else if (rebuilt.has(productId)) {
        this.metrics.events.inc({ result: 'rebuilt' }, rest);
        this.metrics.rebuilds.inc({ reason: status.toLowerCase() });
        this.observeFreshness(changes.slice(duplicates), rebuiltAt);
      } else {
        this.metrics.events.inc({ result: 'unknown_product' }, rest);
      }
    });
  }

  /** All of them in one statement; in one job for later where PostgreSQL is down. */
  private async rebuildNowOrLater(products: readonly QueuedProduct[]): Promise<Map<string, number> | 'later'> {
    const productIds = products.map(({ productId }) => productId);
    try {
      const rebuilt = await this.rebuilder.rebuild(productIds);
      await this.leaveGhostsBehind(products, rebuilt);
      return rebuilt;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      // Beyond the limit the job itself waits, and with it the partition: the backlog stays in Kafka.
      if ((await this.queue.countDelayed()) >= this.config.maxDeferredRebuilds) {
        throw new PutOffError(FIRST_REBUILD_DELAY_MS);
      }
      await this.queue.addRebuild({ productIds, reason: 'deferred' }, FIRST_REBUILD_DELAY_MS);
      return 'later';
    }
  }

  /** SQL was read after these events: where it has less, it was put back to the past and they are ghosts. */
  private async leaveGhostsBehind(products: readonly QueuedProduct[], rebuilt: Map<string, number>): Promise<void> {
    const ghosts = products
      .map(({ productId, changes }) => ({ productId, seq: changes.at(-1)![0] }))
      .filter(({ productId, seq }) => seq > (rebuilt.get(productId) ?? seq));
    if (ghosts.length === 0) return;
    await this.rebuilder.moveForward(ghosts);
    this.onGhosts(ghosts.length);
  }

  private async rebuild({ productIds, reason }: RebuildJob, ageMs: number): Promise<void> {
    try {
      const rebuilt = await this.rebuilder.rebuild(productIds);
      this.metrics.rebuilds.inc({ reason }, rebuilt.size);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      throw new PutOffError(Math.max(FIRST_REBUILD_DELAY_MS, Math.min(ageMs, MAX_REBUILD_DELAY_MS)));
    }
  }

  private observeFreshness(changes: readonly QueuedChange[], appliedAt: number): void {
    for (const change of changes) {
      this.metrics.freshness.observe(Math.max(0, appliedAt - occurredAt(change)) / 1_000);
    }
  }
}

function unknownJob(name: never): never {
  throw new Error(`a job named ${String(name)} is not known here: it comes from a newer version`);
}
