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

type Outcome = 'completed' | 'failed';

/** One job of a round: the same work may be queued under several ids, the first outcome counts. */
interface Ticket {
  readonly work: ApplyJob;
  readonly ids: string[];
  outcome: Outcome | undefined;
}

/** The adding side of the queue: adds jobs and waits until they have finished. */
export class RatingQueue {
  private readonly queue: Queue<RatingJobData, void, RatingJobName>;
  private readonly events: QueueEvents;
  private readonly waiting = new Map<string, (outcome: Outcome) => void>();

  constructor(
    redis: Redis,
    private readonly config: JobConfig,
    private readonly logger: Logger,
  ) {
    const options = { connection: redis, prefix: config.prefix };
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
   * down. Adding twice is harmless: what is in the state already is "seen".
   * @returns the jobs that used up their attempts.
   * @throws the signal's reason once aborted.
   */
  async finish(jobs: readonly ApplyJob[], signal: AbortSignal): Promise<ApplyJob[]> {
    const tickets = jobs.map((work): Ticket => ({ work, ids: [randomUUID()], outcome: undefined }));
    const open = new Set(tickets);
    let allFinished = (): void => {};
    const finished = new Promise<void>((resolve) => {
      allFinished = resolve;
    });
    const watch = (ticket: Ticket, id: string): void => {
      this.waiting.set(id, (outcome) => {
        ticket.outcome = outcome;
        open.delete(ticket);
        if (open.size === 0) allFinished();
      });
    };
    for (const ticket of tickets) watch(ticket, ticket.ids[0]!);
    try {
      let toAdd: Ticket[] = tickets;
      while (open.size > 0) {
        await this.add(toAdd, signal);
        await untilAborted(settledWithin(finished, this.config.lookupAfterMs), signal);
        toAdd = await this.lookUp([...open], watch, signal);
      }
    } finally {
      for (const id of tickets.flatMap(({ ids }) => ids)) this.waiting.delete(id);
    }
    return tickets.filter(({ outcome }) => outcome === 'failed').map(({ work }) => work);
  }

  /** Queues a rebuild for later. */
  async addRebuild(job: RebuildJob, delayMs: number): Promise<void> {
    await this.queue.add(REBUILD_JOB, job, { delay: delayMs, ...rebuildRetries(this.config) });
  }

  /** How many jobs wait for their time: rebuilds put off, and attempts to come. */
  async countDelayed(): Promise<number> {
    return this.queue.getDelayedCount();
  }

  async close(): Promise<void> {
    await Promise.all([this.events.close(), this.queue.close()]);
  }

  private async add(tickets: readonly Ticket[], signal: AbortSignal): Promise<void> {
    if (tickets.length === 0) return;
    const bulk = tickets.map(
      ({ work, ids }) => ({ name: APPLY_JOB, data: work, opts: { jobId: ids.at(-1)! } }) as const,
    );
    // A pipeline, not all-or-nothing: on an error all are sent again, and an id that is there already is not added.
    await waitFor('Redis to take jobs', () => untilAborted(this.queue.addBulk(bulk), signal), this.logger, signal);
  }

  /** Settles what finished without our hearing of it; returns what has to be added (again). */
  private async lookUp(
    tickets: readonly Ticket[],
    watch: (ticket: Ticket, id: string) => void,
    signal: AbortSignal,
  ): Promise<Ticket[]> {
    const lost: Ticket[] = [];
    for (const ticket of tickets) {
      const id = ticket.ids.at(-1)!;
      const state = await this.stateOf(id, signal);
      if (ticket.outcome !== undefined) continue;
      if (state === 'completed' || state === 'failed') this.waiting.get(id)?.(state);
      else if (state === 'unknown') lost.push(ticket);
      else if (state === 'active') {
        // Its worker was killed, or stands still: not waiting for its lock to expire, another may do the work.
        const again = randomUUID();
        ticket.ids.push(again);
        watch(ticket, again);
        lost.push(ticket);
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

  private logError(error: Error): void {
    this.logger.debug({ reason: errorMessage(error) }, 'the queue met an error');
  }
}
