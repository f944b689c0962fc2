import type { ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import type { ApplyJob } from '../queue/rating-job.js';
import type { RatingQueue } from '../queue/rating-queue.js';
import type { RecentProducts } from '../reconciler/recent-products.js';
import { planRounds } from './job-planner.js';

interface Waiting {
  readonly events: readonly ReviewEvent[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns events into finished jobs. Batches that arrive in the same turn of the event loop (one fetch brings one a
 * partition) share their jobs, since the job is what costs.
 */
export class Dispatcher {
  private waiting: Waiting[] = [];

  constructor(
    private readonly queue: RatingQueue,
    private readonly maxEvents: number,
    private readonly recent: RecentProducts,
    private readonly logger: Logger,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Resolves once all events are in Redis, or are left to a rebuild; waits without end while Redis is down.
   * @throws the signal's reason once aborted.
   */
  dispatch(events: readonly ReviewEvent[]): Promise<void> {
    if (events.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) setImmediate(() => void this.flush());
      this.waiting.push({ events, resolve, reject });
    });
  }

  private async flush(): Promise<void> {
    const batches = this.waiting;
    this.waiting = [];
    try {
      for (const round of planRounds(
        batches.flatMap(({ events }) => events),
        this.maxEvents,
      )) {
        const failed = await this.queue.finish(round, this.signal);
        if (failed.length > 0) await this.leaveToRebuild(failed);
      }
      for (const { events } of batches) for (const { productId, seq } of events) this.recent.note(productId, seq);
      for (const { resolve } of batches) resolve();
    } catch (error) {
      for (const { reject } of batches) reject(error);
    }
  }

  /** Later events of these products would meet a gap and heal them; a rebuild does so without later events. */
  private async leaveToRebuild(failed: readonly ApplyJob[]): Promise<void> {
    const productIds = failed.flatMap(({ products }) => products.map(({ productId }) => productId));
    this.logger.error({ jobs: failed.length, productIds }, 'jobs used up their attempts; their ratings are rebuilt');
    await untilAborted(this.queue.addRebuild({ productIds, reason: 'failed-job' }, 1_000), this.signal);
  }
}
