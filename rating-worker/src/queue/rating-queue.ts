import { randomUUID } from 'node:crypto';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { settledWithin, untilAborted } from '@exact-ratings/shared/runtime/deadline.js';
import { waitFor } from '@exact-ratings/shared/runtime/backoff.js';
import { Queue, QueueEvents, type JobState } from 'bullmq';
import type { Redis } from 'ioredis';
import type { JobConfig } from './queue-config.js';
import { BLOCKING_READ_MS } from '../connections.js';
import {
  APPLY_JOB,
  jobOptions,
  rebuildRetries,
  REBUILD_JOB,
  type ApplyJob,
  type RatingJobData,
  type RatingJobName,
  type RebuildJob,
} from './rating-job.js';

type JobOutcome = 'completed' | 'failed';

/** A job that `addAndWait` waits for. It may be queued under several ids; the first outcome counts. */
interface PendingJob {
  readonly data: ApplyJob;
  readonly ids: string[];
  outcome: JobOutcome | undefined;
}

/** The producing side of the queue: adds jobs, and waits until they have finished. */
export class RatingQueue {
  private readonly queue: Queue<RatingJobData, void, RatingJobName>;
  private readonly events: QueueEvents;
  private paused = false;
  private readonly waiting = new Map<string, (outcome: JobOutcome) => void>();

  constructor(
    private readonly redis: Redis,
    private readonly config: JobConfig,
    private readonly logger: Logger,
    /** `skipVersionCheck` for a Redis user who may not read INFO. */
    { skipVersionCheck = false } = {},
  ) {
    const options = { connection: redis, prefix: config.prefix, skipVersionCheck };
    this.queue = new Queue(config.queueName, {
      ...options,
      defaultJobOptions: jobOptions(config),
      streams: { events: { maxLen: 5_000 } },
    });
    // From the beginning: after the default, '$', events between two reads are lost while nothing has been read yet.
    this.events = new QueueEvents(config.queueName, {
      ...options,
      lastEventId: '0-0',
      blockingTimeout: BLOCKING_READ_MS,
    });
    this.queue.on('error', (error) => this.logError(error));
    this.events.on('error', (error) => this.logError(error));
    this.events.on('completed', ({ jobId }) => this.waiting.get(jobId)?.('completed'));
    this.events.on('failed', ({ jobId }) => this.waiting.get(jobId)?.('failed'));
  }

  /**
   * Adds the jobs and waits until each has finished, adding again what Redis lost; waits without end while Redis is
   * down. Adding twice is harmless: events that are in the state already are duplicates.
   * @returns the jobs that used up their attempts.
   * @throws the signal's reason once aborted.
   */
  async addAndWait(jobs: readonly ApplyJob[], signal: AbortSignal): Promise<ApplyJob[]> {
    const pending = jobs.map((data): PendingJob => ({ data, ids: [randomUUID()], outcome: undefined }));
    const open = new Set(pending);
    let allFinished = (): void => {};
    const finished = new Promise<void>((resolve) => {
      allFinished = resolve;
    });
    const watch = (job: PendingJob, id: string): void => {
      this.waiting.set(id, (outcome) => {
        job.outcome = outcome;
        open.delete(job);
        if (open.size === 0) allFinished();
      });
    };
    for (const job of pending) watch(job, job.ids[0]!);
    try {
      let toAdd: PendingJob[] = pending;
      while (open.size > 0) {
        await this.add(toAdd, signal);
        await untilAborted(settledWithin(finished, this.config.lookupAfterMs), signal);
        if (open.size > 0) await this.reportPause(signal);
        toAdd = await this.recoverLost([...open], watch, signal);
      }
    } finally {
      for (const id of pending.flatMap(({ ids }) => ids)) this.waiting.delete(id);
    }
    return pending.filter(({ outcome }) => outcome === 'failed').map(({ data }) => data);
  }

  /** Queues a rebuild that starts after `delayMs`. */
  async addRebuild(job: RebuildJob, delayMs: number): Promise<void> {
    await this.queue.add(REBUILD_JOB, job, { delay: delayMs, ...rebuildRetries(this.config) });
  }

  /** How many jobs are delayed: deferred rebuilds, and attempts to come. */
  async countDelayed(): Promise<number> {
    return this.queue.getDelayedCount();
  }

  /** Whether somebody has paused the queue: jobs are added, but none is worked on. */
  async isPaused(): Promise<boolean> {
    return this.queue.isPaused();
  }

  async resume(): Promise<void> {
    await this.queue.resume();
  }

  async close(): Promise<void> {
    await Promise.all([this.events.close(), this.queue.close()]);
  }

  private async add(jobs: readonly PendingJob[], signal: AbortSignal): Promise<void> {
    if (jobs.length === 0) return;
    const bulk = jobs.map(({ data, ids }) => ({ name: APPLY_JOB, data, opts: { jobId: ids.at(-1)! } }) as const);
    // A pipeline, not all-or-nothing: on an error all are sent again, and an id that is there already is not added.
    await waitFor('Redis to take jobs', () => untilAborted(this.queue.addBulk(bulk), signal), this.logger, signal);
  }

  /**
   * Looks up jobs of which no news came, and settles those that have finished.
   * @returns those that have to be added (again)
   */
  private async recoverLost(
    jobs: readonly PendingJob[],
    watch: (job: PendingJob, id: string) => void,
    signal: AbortSignal,
  ): Promise<PendingJob[]> {
    const lost: PendingJob[] = [];
    for (const job of jobs) {
      const id = job.ids.at(-1)!;
      const state = await this.stateOf(id, signal);
      if (job.outcome !== undefined) continue;
      if (state === 'completed' || state === 'failed') this.waiting.get(id)?.(state);
      else if (state === 'unknown') lost.push(job);
      else if (state === 'active' && !(await this.isLocked(id, signal))) {
        // The worker was killed, or stands still for longer than its lock lives; another may do the work.
        const again = randomUUID();
        job.ids.push(again);
        watch(job, again);
        lost.push(job);
      }
    }
    if (lost.length > 0) this.logger.warn({ jobs: lost.length }, 'jobs without news are added again');
    return lost;
  }

  private async stateOf(id: string, signal: AbortSignal): Promise<JobState | 'unknown'> {
    return waitFor(
      'Redis to tell the state of a job',
      () => untilAborted(this.queue.getJobState(id), signal),
      this.logger,
      signal,
    );
  }

  /** Whether a worker is known to be at work on the job: it renews the job's lock as long as it lives. */
  private async isLocked(id: string, signal: AbortSignal): Promise<boolean> {
    const lock = `${this.queue.toKey(id)}:lock`;
    const found = await waitFor(
      "Redis to tell a job's lock",
      () => untilAborted(this.redis.exists(lock), signal),
      this.logger,
      signal,
    );
    return found === 1;
  }

  /** Logs once that the queue is paused, and once that it goes on. */
  private async reportPause(signal: AbortSignal): Promise<void> {
    const paused = await waitFor(
      'Redis to tell whether the queue is paused',
      () => untilAborted(this.isPaused(), signal),
      this.logger,
      signal,
    );
    if (paused === this.paused) return;
    this.paused = paused;
    if (paused) this.logger.warn('the queue is paused: jobs wait, and offsets with them. "npm run ratings -- resume"');
    else this.logger.info('the queue is no longer paused');
  }

  private logError(error: Error): void {
    this.logger.debug({ reason: errorMessage(error) }, 'the queue met an error');
  }
}
