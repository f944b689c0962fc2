import { readFileSync } from 'node:fs';
import type { Redis, Result } from 'ioredis';
import { eventTag } from '../events/event-tag.js';
import type { ReviewEvent, Stars } from '../events/review-event.js';
import { productIdOfRatingKey, RATING_KEY_PATTERN, ratingKeys, ratingStateKey } from './rating-keys.js';
import {
  classifyRatingTriple,
  formatRatingState,
  parseRatingState,
  type PositionedRating,
  type StoredRating,
  type StreamPosition,
} from './rating-state.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    applyChanges(numberOfKeys: number, ...keysAndArguments: string[]): Result<string[], Context>;
    replaceRatings(numberOfKeys: number, ...keysAndArguments: string[]): Result<string[], Context>;
  }
}

/** One change as the script takes it: what counted before and what counts now, or the product's deletion. */
export type RatingChange = StreamPosition &
  ({ readonly previousRating: Stars | null; readonly rating: Stars | null } | { readonly deleted: true });

/** A product's changes in ascending order of seq. */
export interface ProductChanges {
  readonly productId: string;
  readonly changes: readonly RatingChange[];
}

export type ApplyStatus = 'OK' | 'MISSING' | 'GAP' | 'BROKEN' | 'FORK';

export interface ApplyResult {
  readonly productId: string;
  /** Anything but OK: the product must be rebuilt from PostgreSQL. */
  readonly status: ApplyStatus;
  /** How many changes moved the state. */
  readonly applied: number;
  /** How many changes the state held already. */
  readonly duplicates: number;
}

export interface RatingAggregate extends PositionedRating {
  readonly productId: string;
}

export interface RatingStoreOptions {
  /** Expiry of a product's keys in seconds, renewed by every write; 0 keeps them for ever. */
  readonly ttlSeconds: number;
}

const LUA = new URL('../../lua/', import.meta.url);

/** The text of a script, preceded by what its `-- include: <name>` lines name. */
function readScript(name: string): string {
  const text = readFileSync(new URL(`${name}.lua`, LUA), 'utf8');
  const includes = Array.from(text.matchAll(/^-- include: ([a-z-]+)$/gm), ([, include]) =>
    readFileSync(new URL(`include/${include}.lua`, LUA), 'utf8'),
  );
  return [...includes, text].join('\n');
}

const APPLY_CHANGES = readScript('apply-changes');
const REPLACE_RATINGS = readScript('replace-ratings');

/** The change that an event makes to its product's rating; only the two ratings count, not the event's type. */
export function ratingChange(event: ReviewEvent): RatingChange {
  const position = { seq: event.seq, eventTag: eventTag(event.eventId) };
  return event.type === 'product-deleted'
    ? { ...position, deleted: true }
    : { ...position, previousRating: event.previousRating, rating: event.rating };
}

/**
 * The ratings in Redis; the only code that touches their keys. Every method is one round trip, whatever the number
 * of products (many go in several commands, one behind the other), and rejects with ioredis's error where Redis fails.
 */
export class RatingStore {
  constructor(
    private readonly redis: Redis,
    private readonly options: RatingStoreOptions,
  ) {
    redis.defineCommand('applyChanges', { lua: APPLY_CHANGES });
    redis.defineCommand('replaceRatings', { lua: REPLACE_RATINGS });
  }

  /**
   * For readers: the ratings in the order of the ids; null for a miss: absent, deleted, or corrupt. The state alone is read, a
   * third of the keys: it is the truth, and the two public keys are written with it.
   */
  async getMany(productIds: readonly string[]): Promise<Array<PositionedRating | null>> {
    const states = await inChunks(productIds, MAX_PRODUCTS_PER_READ, (ids) => this.redis.mget(ids.map(ratingStateKey)));
    return states.map((value) => {
      const state = parseRatingState(value);
      return state === null || 'deleted' in state ? null : state;
    });
  }

  /** For comparison with PostgreSQL: what the products' keys hold, told apart, in the order of the ids. */
  async inspectMany(productIds: readonly string[]): Promise<StoredRating[]> {
    const values = await inChunks(productIds, MAX_PRODUCTS_PER_READ, (ids) => this.redis.mget(ids.flatMap(allKeys)));
    return productIds.map((_, i) => classifyRatingTriple(values[3 * i], values[3 * i + 1], values[3 * i + 2]));
  }

  /**
   * The products that have any rating key, a page at a time, without blocking Redis. As SCAN gives them: some may come
   * twice, one that appears or goes meanwhile may be missing.
   */
  async *scanProductIds(keysPerPage = 1_000): AsyncGenerator<string[]> {
    let cursor = '0';
    do {
      const page = await this.scanPage(cursor, keysPerPage);
      cursor = page.cursor;
      if (page.productIds.length > 0) yield page.productIds;
    } while (cursor !== '0');
  }

  /** One page of `scanProductIds`: cursor '0' begins the scan, and the cursor '0' that comes back ends it. */
  async scanPage(cursor: string, keysPerPage: number): Promise<{ cursor: string; productIds: string[] }> {
    const [next, keys] = await this.redis.scan(cursor, 'MATCH', RATING_KEY_PATTERN, 'COUNT', keysPerPage);
    const ids = new Set(keys.map(productIdOfRatingKey).filter((id) => id !== null));
    return { cursor: next, productIds: [...ids] };
  }

  /** Applies each product's changes to its state, exactly once whatever is repeated. See `lua/apply-changes.lua`. */
  async apply(products: readonly ProductChanges[]): Promise<ApplyResult[]> {
    return inChunks(products, MAX_PRODUCTS_PER_SCRIPT, (chunk) => this.applyChunk(chunk));
  }

  private async applyChunk(products: readonly ProductChanges[]): Promise<ApplyResult[]> {
    const answers = await this.redis.applyChanges(
      3 * products.length,
      ...products.flatMap(({ productId }) => allKeys(productId)),
      String(this.options.ttlSeconds),
      ...products.map(({ changes }) => changes.map(formatChange).join(' ')),
    );
    return products.map(({ productId }, i) => {
      const [status, applied, duplicates] = answers[i]!.split(' ') as [ApplyStatus, string, string];
      return { productId, status, applied: Number(applied), duplicates: Number(duplicates) };
    });
  }

  /**
   * Writes aggregates read from PostgreSQL, where Redis does not hold a newer state. See `lua/replace-ratings.lua`.
   * @returns for each aggregate, in order, whether it was written or something newer stayed.
   */
  async replace(aggregates: readonly RatingAggregate[]): Promise<Array<'WRITTEN' | 'NEWER'>> {
    return inChunks(aggregates, MAX_PRODUCTS_PER_SCRIPT, (chunk) => this.replaceChunk(chunk));
  }

  private async replaceChunk(aggregates: readonly RatingAggregate[]): Promise<Array<'WRITTEN' | 'NEWER'>> {
    const answers = await this.redis.replaceRatings(
      3 * aggregates.length,
      ...aggregates.flatMap(({ productId }) => allKeys(productId)),
      String(this.options.ttlSeconds),
      ...aggregates.map(formatRatingState),
    );
    return answers as Array<'WRITTEN' | 'NEWER'>;
  }

  /** Removes all keys of these products, whatever they hold; readers are answered by PostgreSQL and fill them again. */
  async delete(productIds: readonly string[]): Promise<void> {
    await inChunks(productIds, MAX_PRODUCTS_PER_READ, async (chunk) => [await this.redis.del(chunk.flatMap(allKeys))]);
  }
}

/** Redis answers nobody else during a command, and Lua's `unpack` fails beyond some 8,000 values. */
const MAX_PRODUCTS_PER_SCRIPT = 500;
const MAX_PRODUCTS_PER_READ = 1_000;

/** The results of all chunks, in order; the commands are sent without waiting for each other. */
async function inChunks<Item, Result>(
  items: readonly Item[],
  size: number,
  work: (chunk: readonly Item[]) => Promise<Result[]>,
): Promise<Result[]> {
  if (items.length > 0 && items.length <= size) return work(items);
  const results: Array<Promise<Result[]>> = [];
  for (let start = 0; start < items.length; start += size) results.push(work(items.slice(start, start + size)));
  return (await Promise.all(results)).flat();
}

function allKeys(productId: string): string[] {
  const keys = ratingKeys(productId);
  return [keys.rating, keys.reviewCount, keys.state];
}

function formatChange(change: RatingChange): string {
  const what = 'deleted' in change ? 'DD' : `${change.previousRating ?? 0}${change.rating ?? 0}`;
  return `${change.seq}:${change.eventTag}:${what}`;
}
