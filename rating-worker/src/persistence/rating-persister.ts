import { RunningLoop, type NextRound } from '@exact-ratings/shared/runtime/running-loop.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { WorkerMetrics } from '../metrics.js';
import type { PersistenceConfig } from './persistence-config.js';
import type { ProductRatings } from './product-ratings.js';

/** Sorts before every product id. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';
/** Products in one statement: some 20 ms, during which their streams are locked for less than one. */
const BATCH_SIZE = 200;
const REWEIGHED_AT_ONCE = 1_000;
const PROGRESS_INTERVAL_MS = 10_000;
const DAY_MS = 86_400_000;
const PAUSE_AFTER_FAILURE_MS = 2_000;

export interface RatingPersisterOptions {
  readonly ratings: ProductRatings;
  readonly config: Pick<PersistenceConfig, 'intervalMs'>;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/** One walk over the dirty products. */
interface Pass {
  readonly beganAt: number;
  after: string;
  persisted: number;
  moved: number;
  setAside: number;
}

/**
 * Persists the ratings that have changed: passes over the dirty products, batch by batch, and once at the start a walk over all
 * persisted ratings, whose weighted ratings may be those of another prior. Nothing is lost with the process: a product stays dirty
 * until its row is committed. PostgreSQL lets one batch of all processes be written at a time.
 */
export class RatingPersister {
  private readonly loop: RunningLoop;
  private pass: Pass | undefined;
  /** The last product whose weighted rating is that of the prior; null once all are. */
  private reweighedTo: string | null = BEFORE_ALL;
  private reweighed = 0;
  private loggedAt = Date.now();

  constructor(private readonly options: RatingPersisterOptions) {
    this.loop = new RunningLoop({
      round: async () => this.round(),
      backoff: { initialMs: PAUSE_AFTER_FAILURE_MS, maxMs: PAUSE_AFTER_FAILURE_MS },
      logger: options.logger,
      onFailing: 'ratings could not be persisted, which is tried again: lists are ordered by those persisted before',
      onRecovered: 'ratings are persisted again',
    });
  }

  start(): void {
    this.loop.start();
  }

  /** Resolves once the batch under way is committed. */
  async stop(): Promise<void> {
    await this.loop.stop();
  }

  private async round(): Promise<NextRound> {
    const beganAt = Date.now();
    const goesOn = this.reweighedTo === null ? await this.persistBatch() : await this.reweighPage(this.reweighedTo);
    // A backlog takes half of one connection, and leaves the other half to others.
    if (goesOn) return { afterMs: Date.now() - beganAt, orWhenWoken: false };
    return { afterMs: untilNextPass(Date.now(), this.options.config.intervalMs), orWhenWoken: false };
  }

  /** @returns whether the pass goes on */
  private async persistBatch(): Promise<boolean> {
    const { ratings, metrics, logger } = this.options;
    const pass = (this.pass ??= { beganAt: Date.now(), after: BEFORE_ALL, persisted: 0, moved: 0, setAside: 0 });
    const ids = await ratings.dirtyProducts(pass.after, BATCH_SIZE);
    if (ids.length > 0) {
      const { persisted, moved, setAside } = await ratings.persist(ids, { onlyDirty: true });
      pass.after = ids.at(-1)!;
      pass.persisted += persisted;
      pass.moved += moved;
      pass.setAside += setAside.length;
      metrics.persisted.inc(persisted);
    }
    if (ids.length === BATCH_SIZE) {
      this.logProgress({ persisted: pass.persisted }, 'ratings are being persisted');
      return true;
    }
    const { persisted, moved, setAside, beganAt } = pass;
    this.pass = undefined;
    metrics.lastPersistencePass.set(Date.now() / 1_000);
    logger.debug({ persisted, moved, setAside, milliseconds: Date.now() - beganAt }, 'ratings are persisted');
    return false;
  }

  /** @returns true: the first pass follows at once */
  private async reweighPage(after: string): Promise<boolean> {
    const { ratings, logger } = this.options;
    const { last, reweighed } = await ratings.reweigh(after, REWEIGHED_AT_ONCE);
    this.reweighed += reweighed;
    this.reweighedTo = last;
    if (last !== null) this.logProgress({ reweighed: this.reweighed }, 'weighted ratings follow a changed prior');
    else if (this.reweighed > 0) logger.info({ reweighed: this.reweighed }, 'weighted ratings have the prior');
    return true;
  }

  private logProgress(progress: object, message: string): void {
    const now = Date.now();
    if (now - this.loggedAt < PROGRESS_INTERVAL_MS) return;
    this.loggedAt = now;
    this.options.logger.info(progress, message);
  }
}

/**
 * Milliseconds from the end of a pass to the next one, which begins at midnight, UTC, at the latest: the less moves between midnight
 * and that pass, the fewer products are counted with changes of both days.
 */
export function untilNextPass(now: number, intervalMs: number): number {
  return Math.min(intervalMs, DAY_MS - (now % DAY_MS));
}
