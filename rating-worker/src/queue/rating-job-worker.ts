import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { settledWithin } from '@exact-ratings/shared/runtime/deadline.js';
import { DelayedError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { JobConfig } from './queue-config.js';
import type { WorkerMetrics } from '../metrics.js';
import type { RatingJobData, RatingJobName } from './rating-job.js';

export type RatingJob = Job<RatingJobData, void, RatingJobName>;

/** Thrown by a processor to have its job started again after `delayMs` without using up an attempt. */
export class SnoozeJobError extends Error {
  constructor(readonly delayMs: number) {
    super(`snoozed for ${delayMs} ms`);
    this.name = 'SnoozeJobError';
  }
}

export interface RatingJobWorkerOptions {
  readonly redis: Redis;
  readonly config: JobConfig;
  readonly process: (job: RatingJob) => Promise<void>;
  /** For a Redis user who may not read INFO. */
  readonly skipVersionCheck?: boolean;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

export interface RatingJobWorker {
  /** Waits for the jobs in flight, but no longer than the time given. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Starts the consuming side of the queue: BullMQ's worker, which hands jobs to `process`. Locks are short, so that the jobs of a
 * killed process do not wait for a minute. A job may stall without end, since it is harmless to start it again.
 */
export function startRatingJobWorker({
  redis,
  config,
  process,
  skipVersionCheck = false,
  metrics,
  logger,
}: RatingJobWorkerOptions): RatingJobWorker {
  const processor = async (job: RatingJob, token?: string): Promise<void> => {
    try {
      await process(job);
    } catch (error) {
      if (!(error instanceof SnoozeJobError)) throw error;
      await job.moveToDelayed(Date.now() + error.delayMs, token);
      throw new DelayedError();
    }
  };
  const worker = new Worker<RatingJobData, void, RatingJobName>(config.queueName, processor, {
    connection: redis,
    prefix: config.prefix,
    skipVersionCheck,
    concurrency: config.concurrency,
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 1_000_000,
    drainDelay: 5,
    runRetryDelay: 500,
  });
  worker.on('error', (error) => logger.debug({ reason: errorMessage(error) }, 'the queue worker met an error'));
  worker.on('completed', () => metrics.jobs.inc({ result: 'completed' }));
  worker.on('stalled', (jobId) => {
    metrics.jobs.inc({ result: 'stalled' });
    logger.warn({ jobId }, 'a job stalled: its worker was killed or stood still; it is worked on again');
  });
  worker.on('failed', (job, error) => {
    const final = job?.finishedOn !== undefined;
    metrics.jobs.inc({ result: final ? 'failed' : 'retried' });
    const details = { jobId: job?.id, name: job?.name, attempts: job?.attemptsMade, err: error };
    if (final) logger.error(details, 'a job used up its attempts; it is kept for inspection');
    else
      logger.warn({ ...details, err: undefined, reason: errorMessage(error) }, 'a job failed and will be tried again');
  });
  return {
    async close(timeoutMs) {
      const closing = worker.close();
      if (!(await settledWithin(closing, timeoutMs))) {
        logger.warn('the jobs in flight did not finish in time; another worker will take them up');
      }
    },
  };
}
