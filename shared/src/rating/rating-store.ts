import { readFileSync } from 'node:fs';
import type { Redis, Result } from 'ioredis';
import type { ReviewEvent, Stars } from '../events/review-event.js';
import { productIdOfRatingKey, RATING_KEY_PATTERN, ratingKeys } from './rating-keys.js';
import {
  classifyRatingTriple,
  formatRatingState,
  parseRatingTriple,
  type RatingState,
  type StoredRating,
} from './rating-state.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    applyReviewEvents(numberOfKeys: number, ...keysAndArguments: string[]): Result<string[], Context>;
    replaceRatings(numberOfKeys: number, ...keysAndArguments: string[]): Result<string[], Context>;
  }
}

/** One change as the script takes it: what counted before and what counts now, or the product's deletion. */
export type RatingChange =
  | { readonly seq: number; readonly previousRating: Stars | null; readonly rating: Stars | null }
  | { readonly seq: number; readonly deleted: true };

/** A product's changes in ascending order of seq. */
export interface ProductChanges {
  readonly productId: string;
  readonly changes: readonly RatingChange[];
}

export type ApplyStatus = 'OK' | 'MISSING' | 'GAP' | 'BROKEN';

export interface ApplyResult {
  readonly productId: string;
  /** Anything but OK: the product must be rebuilt from SQL. */
  readonly status: ApplyStatus;
  /** How many changes moved the state. */
  readonly applied: number;
  /** How many changes the state held already. */
  readonly seen: number;
}

export interface RatingSnapshot extends RatingState {
  readonly productId: string;
}

export interface RatingStoreOptions {
  /** Expiry of a product's keys in seconds, renewed by every write; 0 keeps them for ever. */
  readonly ttlSeconds: number;
}

function script(name: string): string {
  const read = (file: string): string => readFileSync(new URL(`../../lua/${file}.lua`, import.meta.url), 'utf8');
  return read('rating-state') + read(name);
}

const APPLY = script('apply');
const REPLACE = script('replace');

/** The change that an event makes to its product's rating; only the numbers count, not the event's type. */
export function ratingChange(event: ReviewEvent): RatingChange {
  return event.type === 'product-deleted'
    ? { seq: event.seq, deleted: true }
    : { seq: event.seq, previousRating: event.previousRating, rating: event.rating };
}

/**
 * The ratings in Redis; the only code that touches their keys. Every method is one round trip, whatever the number
 * of products, and rejects with ioredis's error where Redis fails.
 */
export class RatingStore {
  constructor(
    private readonly redis: Redis,
    private readonly options: RatingStoreOptions,
  ) {
    redis.defineCommand('applyReviewEvents', { lua: APPLY });
    redis.defineCommand('replaceRatings', { lua: REPLACE });
  }

  /** The ratings in the order of the ids; null for a miss: absent, deleted, spoilt, or torn. */
  async readMany(productIds: readonly string[]): Promise<Array<RatingState | null>> {
    if (productIds.length === 0) return [];
    const values = await this.redis.mget(productIds.flatMap(allKeys));
    return productIds.map((_, i) => parseRatingTriple(values[3 * i], values[3 * i + 1], values[3 * i + 2]));
  }

  /** What the products' keys hold, in the order of the ids, for whoever compares them with SQL. */
  async inspectMany(productIds: readonly string[]): Promise<StoredRating[]> {
    if (productIds.length === 0) return [];
    const values = await this.redis.mget(productIds.flatMap(allKeys));
    return productIds.map((_, i) => classifyRatingTriple(values[3 * i], values[3 * i + 1], values[3 * i + 2]));
  }

  /**
   * The products that have any rating key, a page at a time, without blocking Redis. As SCAN gives them: some may come
   * twice, one that appears or goes meanwhile may be missing.
   */
  async *scanProductIds(keysPerPage = 1_000): AsyncGenerator<string[]> {
    let cursor = '0';
    do {
      const [next, keys] = await this.redis.scan(cursor, 'MATCH', RATING_KEY_PATTERN, 'COUNT', keysPerPage);
      cursor = next;
      const ids = new Set(keys.map(productIdOfRatingKey).filter((id) => id !== null));
      if (ids.size > 0) yield [...ids];
    } while (cursor !== '0');
  }

  /** Applies each product's changes to its state, exactly once whatever is repeated. See `lua/apply.lua`. */
  async apply(products: readonly ProductChanges[]): Promise<ApplyResult[]> {
    if (products.length === 0) return [];
    const answers = await this.redis.applyReviewEvents(
      3 * products.length,
      ...products.flatMap(({ productId }) => allKeys(productId)),
      String(this.options.ttlSeconds),
      ...products.map(({ changes }) => changes.map(formatChange).join(' ')),
    );
    return products.map(({ productId }, i) => {
      const [status, applied, seen] = answers[i]!.split(' ') as [ApplyStatus, string, string];
      return { productId, status, applied: Number(applied), seen: Number(seen) };
    });
  }

  /**
   * Puts snapshots of SQL in place, where Redis does not hold a newer state. See `lua/replace.lua`.
   * @returns for each snapshot, in order, whether it was written or something newer stayed.
   */
  async replace(snapshots: readonly RatingSnapshot[]): Promise<Array<'WRITTEN' | 'NEWER'>> {
    if (snapshots.length === 0) return [];
    const answers = await this.redis.replaceRatings(
      3 * snapshots.length,
      ...snapshots.flatMap(({ productId }) => allKeys(productId)),
      String(this.options.ttlSeconds),
      ...snapshots.map(formatRatingState),
    );
    return answers as Array<'WRITTEN' | 'NEWER'>;
  }

  /** Removes all keys of these products, whatever they hold; readers are answered by SQL and fill them again. */
  async forget(productIds: readonly string[]): Promise<void> {
    if (productIds.length > 0) await this.redis.del(productIds.flatMap(allKeys));
  }
}

function allKeys(productId: string): string[] {
  const keys = ratingKeys(productId);
  return [keys.rating, keys.reviewCount, keys.state];
}

function formatChange(change: RatingChange): string {
  return 'deleted' in change ? `${change.seq}:DD` : `${change.seq}:${change.previousRating ?? 0}${change.rating ?? 0}`;
}
