import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import DataLoader from 'dataloader';
import { RatingSource } from './product-rating.js';
import type { Product } from '../products/product.js';
import type { RatingReader, ReadRating } from './rating-reader.js';
import { readAhead } from './read-ahead.js';

/**
 * The ratings of one request: all that one tick asks for in one MGET. All rating fields of a product get the same read, so
 * an answer shows one version; where one of them asks for a version, the others get that version as well.
 */
export class RatingLoader {
  /** Products that this request changed: their ratings come from PostgreSQL, so that the caller sees the change. */
  private readonly changed = new Set<string>();
  /** The highest version that was asked for, by product. */
  private readonly minVersions = new Map<string, number>();
  /** What was read; where a read is on its way, what ends when it is here. */
  private readonly reads = new Map<string, ReadRating | Promise<void>>();
  /** Joins what one tick asks for; `reads` remembers. */
  private readonly batches = new DataLoader<string, ReadRating>((productIds) => this.readAll(productIds), {
    cache: false,
  });

  constructor(private readonly reader: RatingReader) {}

  /** At once where the rating is read already: a promise for each field of a page costs more than the field. */
  load(productId: string): ReadRating | Promise<ReadRating> {
    let read = this.reads.get(productId);
    if (read === undefined) {
      read = this.remember(
        [productId],
        this.batches.load(productId).then((rating) => [rating]),
      );
    }
    return read instanceof Promise ? read.then(() => this.load(productId)) : read;
  }

  /** Reads these products' ratings in one go, so that `load` has them at once, and compiled queries find them on the products. */
  async prepare(products: readonly Product[]): Promise<void> {
    const unread = products.flatMap(({ id }) => (this.reads.has(id) ? [] : [id]));
    if (unread.length > 0) void this.remember(unread, this.readAll(unread));
    await Promise.all(new Set<unknown>(products.map(({ id }) => this.reads.get(id))));
    for (const product of products) {
      const read = this.reads.get(product.id);
      if (read !== undefined && !(read instanceof Promise)) readAhead(product, read.state);
    }
  }

  /**
   * At least `minVersion`, or the newest that there is. Fields that were answered before anyone asked for the version
   * (of the same product at a higher level of the query) keep what they have.
   */
  async loadAtLeast(productId: string, minVersion: number): Promise<ReadRating> {
    this.minVersions.set(productId, Math.max(minVersion, this.minVersions.get(productId) ?? 0));
    const read = await this.load(productId);
    if (read.state.seq >= minVersion || read.isCurrent) return read;
    if (this.reads.get(productId) === read) this.reads.delete(productId);
    return this.load(productId);
  }

  /**
   * To be called after a mutation of this request changed a review of the product.
   * @param state the rating with the change in it, where the mutation has read it
   */
  productChanged(productId: string, state?: RatingState): void {
    this.changed.add(productId);
    if (state === undefined) this.reads.delete(productId);
    else this.reads.set(productId, { state, source: RatingSource.DATABASE, isCurrent: true });
  }

  private remember(productIds: readonly string[], reading: Promise<readonly ReadRating[]>): Promise<void> {
    const read = reading.then((ratings) =>
      productIds.forEach((id, i) => {
        if (this.reads.get(id) === read) this.reads.set(id, ratings[i]!);
      }),
    );
    for (const id of productIds) this.reads.set(id, read);
    return read;
  }

  private async readAll(productIds: readonly string[]): Promise<ReadRating[]> {
    const unique = [...new Set(productIds)];
    const changed = unique.filter((id) => this.changed.has(id));
    const others = unique.filter((id) => !this.changed.has(id));
    const [fromDatabase, fromCache] = await Promise.all([
      changed.length === 0 ? [] : this.reader.readDatabase(changed),
      others.length === 0
        ? []
        : this.reader.read(
            others.map((productId) => ({ productId, minVersion: this.minVersions.get(productId) ?? 0 })),
          ),
    ]);
    const ratings = new Map([
      ...changed.map((id, i) => [id, fromDatabase[i]!] as const),
      ...others.map((id, i) => [id, fromCache[i]!] as const),
    ]);
    return productIds.map((id) => ratings.get(id)!);
  }
}
