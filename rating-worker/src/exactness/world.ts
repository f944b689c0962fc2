import { parseReviewEvent, type ReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { ratingKeys } from '@exact-ratings/shared/rating/rating-keys.js';
import { readRatingAggregates } from '@exact-ratings/shared/rating/rating-aggregates.js';
import type { RatingAggregate, RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import * as fc from 'fast-check';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { planRounds } from '../consumer/job-planner.js';
import { APPLY_JOB } from '../queue/rating-job.js';
import type { ProductRatings } from '../persistence/product-ratings.js';
import type { RatingProcessor } from '../ratings/rating-processor.js';
import type { Step } from './history.js';
import { ReviewsInPostgres, type LogMessage, type PostgresCopy } from './reviews-in-postgres.js';

export interface WorldParts {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly store: RatingStore;
  readonly processor: Pick<RatingProcessor, 'process'>;
  readonly ratings: ProductRatings;
  /** The reconciler's scans over these products. */
  readonly reconcile: (productIds: readonly string[]) => Promise<void>;
}

/** What a product is found to be in the steady state. */
export type ProductStanding =
  'EQUAL' | 'MISSING' | 'BEHIND' | 'CORRUPT' | 'ORPHAN' | 'FORK' | 'COUNTS' | 'AHEAD' | 'TOMBSTONE';

const MAX_EVENTS_A_JOB = 4;

/**
 * Two products with their real rows, their real keys and the worker's real code; in the place of Kafka a log in memory,
 * whose messages can come twice, out of order, or never.
 */
export class World {
  readonly #log: LogMessage[] = [];
  #next = 0;
  readonly #snapshots: RatingAggregate[][] = [];
  #redisCopy: Array<string | null> | undefined;
  #postgresCopy: PostgresCopy | undefined;
  /** Something happened after which a product may be behind, or its keys corrupt, until the next event or scan. */
  losses = false;
  /** PostgreSQL was put back: what is in Redis and in the log may come from a future that no longer is. */
  postgresWasPutBack = false;

  private constructor(
    private readonly parts: WorldParts,
    private readonly reviews: ReviewsInPostgres,
  ) {}

  static async create(parts: WorldParts): Promise<World> {
    return new World(parts, await ReviewsInPostgres.create(parts.pool, 2));
  }

  async take(step: Step): Promise<void> {
    const { reviews, parts } = this;
    const id = 'product' in step ? reviews.productIds[step.product]! : '';
    switch (step.do) {
      case 'create':
        return reviews.insertReviews(id, step.ratings, step.hidden ? 'PENDING' : 'PUBLISHED');
      case 'edit':
        return reviews.changeReview(id, step.review, 'rating', step.rating);
      case 'edit-text':
        return reviews.changeReview(id, step.review, 'body', 'Another text');
      case 'set-status':
        return reviews.changeReview(id, step.review, 'status', step.status);
      case 'moderate':
        return reviews.moderateReview(id, step.review, step.status);
      case 'edit-moderated':
        return reviews.changeReview(id, step.review, `status = 'PENDING', rating`, step.rating);
      case 'erase':
        return reviews.eraseAuthor(id, step.review, step.reviews);
      case 'delete':
        return reviews.changeReview(id, step.review, null);
      case 'delete-product':
        return reviews.deleteProduct(id);
      case 'relay':
        this.#log.push(...(await reviews.takeOutbox()));
        return;
      case 'deliver':
        return this.#deliver(this.#takeNext(step.count));
      case 'deliver-again':
        return this.#deliver(this.#log.slice(0, this.#next).slice(step.from, step.from + step.count));
      case 'deliver-shuffled':
        for (const message of shuffled(this.#takeNext(step.count), step.seed)) await this.#deliver([message]);
        return;
      case 'lose-events':
        if (this.#takeNext(step.count).length > 0) this.losses = true;
        return;
      case 'read':
        return this.#read();
      case 'take-snapshot':
        this.#snapshots.push(await readRatingAggregates(parts.pool, reviews.productIds));
        return;
      case 'replace-late':
        await parts.store.replace(this.#snapshots.at(-1 - step.snapshot) ?? []);
        return;
      case 'flush':
        this.losses = true;
        await parts.redis.del(this.#keys());
        return;
      case 'corrupt':
        return this.#corrupt(ratingKeys(id)[step.key], step.how);
      case 'copy-redis':
        this.#redisCopy = await parts.redis.mget(this.#keys());
        return;
      case 'put-back-redis':
        return this.#putBackRedis();
      case 'copy-postgres':
        this.#postgresCopy = await reviews.copy();
        return;
      case 'put-back-postgres':
        if (this.#postgresCopy === undefined) return;
        this.postgresWasPutBack = true;
        return reviews.putBack(this.#postgresCopy);
      case 'persist':
        return this.persist();
      case 'reconcile':
        return parts.reconcile(reviews.productIds);
    }
  }

  /** Sends and delivers all that is still under way. */
  async drain(): Promise<void> {
    this.#log.push(...(await this.reviews.takeOutbox()));
    await this.#deliver(this.#takeNext(this.#log.length));
  }

  /**
   * Everything that ever was in the log once more, and then all that earlier readers had read, both out of order: in this
   * order, since events would repair what a late aggregate has corrupted.
   */
  async everythingComesLate(seed: number): Promise<void> {
    const messages = shuffled(this.#log, seed);
    for (let i = 0; i < messages.length; i += 5) await this.#deliver(messages.slice(i, i + 5));
    for (const snapshot of shuffled(this.#snapshots, seed)) await this.parts.store.replace(snapshot);
  }

  async reconcile(): Promise<void> {
    await this.parts.reconcile(this.reviews.productIds);
  }

  /** What a pass does of these products. */
  async persist(): Promise<void> {
    await this.parts.ratings.persist(this.reviews.productIds, { onlyDirty: true });
  }

  /** The persisted ratings, and what they should be: the position, the counts, and those of the last day on which it moved. */
  async persisted(): Promise<{ readonly is: unknown[]; readonly should: unknown[] }> {
    const [is, truth] = await Promise.all([this.reviews.persisted(), this.reviews.truth()]);
    return { is, should: truth.map((one) => one && { ...one, lastDay: one.stars }) };
  }

  /** How each product stands. */
  async compare(): Promise<ProductStanding[]> {
    const stored = await this.parts.store.inspectMany(this.reviews.productIds);
    const truth = await this.reviews.truth();
    return stored.map((redis, i): ProductStanding => {
      const database = truth[i];
      if (database === undefined) return redis.kind === 'RATING' || redis.kind === 'CORRUPT' ? 'ORPHAN' : 'EQUAL';
      switch (redis.kind) {
        case 'ABSENT':
          return 'MISSING';
        case 'CORRUPT':
          return 'CORRUPT';
        case 'DELETED':
          return 'TOMBSTONE';
        case 'RATING':
          if (redis.state.seq !== database.seq) return redis.state.seq > database.seq ? 'AHEAD' : 'BEHIND';
          if (redis.state.stars.join() !== database.stars.join()) return 'COUNTS';
          return redis.state.eventTag === database.eventTag ? 'EQUAL' : 'FORK';
      }
    });
  }

  /** Removes what it made. */
  async clear(): Promise<void> {
    await this.parts.redis.del(this.#keys());
  }

  #takeNext(count: number): LogMessage[] {
    const messages = this.#log.slice(this.#next, this.#next + count);
    this.#next += messages.length;
    return messages;
  }

  /** As the consumer does: parsed, split into jobs, worked on. */
  async #deliver(messages: readonly LogMessage[]): Promise<void> {
    const events = messages.map(({ key, value }): ReviewEvent => {
      const parsed = parseReviewEvent(Buffer.from(key), Buffer.from(value));
      if (!parsed.ok) throw new Error(`the capture wrote what the contract forbids: ${parsed.reason}: ${value}`);
      return parsed.event;
    });
    for (const round of planRounds(events, MAX_EVENTS_A_JOB)) {
      for (const data of round) await this.parts.processor.process({ name: APPLY_JOB, data } as never);
    }
  }

  async #read(): Promise<void> {
    const { productIds } = this.reviews;
    const read = await this.parts.store.getMany(productIds);
    const missing = productIds.filter((_, i) => read[i] === null);
    if (missing.length > 0) await this.parts.store.replace(await readRatingAggregates(this.parts.pool, missing));
  }

  async #corrupt(key: string, how: 'lost' | 'text' | 'list'): Promise<void> {
    const { redis } = this.parts;
    this.losses = true;
    if (how === 'text') {
      await redis.set(key, 'abc');
      return;
    }
    await redis.del(key);
    if (how === 'list') await redis.lpush(key, 'a', 'list');
  }

  async #putBackRedis(): Promise<void> {
    const copy = this.#redisCopy;
    if (copy === undefined) return;
    this.losses = true;
    const keys = this.#keys();
    const transaction = this.parts.redis.multi().del(keys);
    copy.forEach((value, i) => value !== null && transaction.set(keys[i]!, value));
    await transaction.exec();
  }

  #keys(): string[] {
    return this.reviews.productIds.flatMap((id) => {
      const { rating, reviewCount, state } = ratingKeys(id);
      return [rating, reviewCount, state];
    });
  }
}

/** The values in another order, which the seed repeats. */
function shuffled<T>(values: readonly T[], seed: number): T[] {
  const { length } = values;
  const orders = fc.shuffledSubarray([...values], { minLength: length, maxLength: length });
  return fc.sample(orders, { seed, numRuns: 1 })[0]!;
}
