import type { ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { ApplyJob } from '../queue/rating-job.js';
import type { RatingQueue } from '../queue/rating-queue.js';
import { planRounds } from './job-planner.js';

export interface JobDispatcherOptions {
  readonly queue: Pick<RatingQueue, 'addAndWait' | 'addRebuild'>;
  /** Events in one job. */
  readonly maxEvents: number;
  readonly logger: Logger;
  /** Ends the waits for jobs. */
  readonly signal: AbortSignal;
  /** Called with events that are in Redis, or left to a rebuild. */
  readonly onApplied: (events: readonly ReviewEvent[]) => void;
}

/** Products in one rebuild job: one statement, one script call. */
const MAX_PRODUCTS_PER_REBUILD = 200;

interface WaitingBatch {
  readonly events: readonly ReviewEvent[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns events into jobs and waits until they have finished. Batches that arrive in the same turn of the event loop (one fetch
 * brings one a partition) share their jobs, because the number of jobs is what costs.
 */
export class JobDispatcher {
  private waiting: WaitingBatch[] = [];

  constructor(private readonly options: JobDispatcherOptions) {}

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
    const { queue, maxEvents, signal, onApplied } = this.options;
    const batches = this.waiting;
    this.waiting = [];
    try {
      const events = batches.flatMap((batch) => batch.events);
      for (const round of planRounds(events, maxEvents)) {
        const failed = await queue.addAndWait(round, signal);
        if (failed.length > 0) await this.leaveToRebuild(failed);
      }
      onApplied(events);
      for (const { resolve } of batches) resolve();
    } catch (error) {
      for (const { reject } of batches) reject(error);
    }
  }

  /** Later events of these products would meet a gap and repair them; a rebuild does so without later events. */
  private async leaveToRebuild(failed: readonly ApplyJob[]): Promise<void> {
    const { queue, logger, signal } = this.options;
    const productIds = failed.flatMap(({ products }) => products.map(({ productId }) => productId));
    logger.error(
      { jobs: failed.length, products: productIds.length, first: productIds.slice(0, 10) },
      'jobs used up their attempts; their ratings are rebuilt',
    );
    for (let start = 0; start < productIds.length; start += MAX_PRODUCTS_PER_REBUILD) {
      const chunk = productIds.slice(start, start + MAX_PRODUCTS_PER_REBUILD);
      await untilAborted(queue.addRebuild({ productIds: chunk, reason: 'failed-job' }, 1_000), signal);
    }
  }
}
