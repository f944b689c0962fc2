import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import DataLoader from 'dataloader';
import { RatingSource } from './product-rating.js';
import type { RatingReader, ReadRating } from './rating-reader.js';

/**
 * The ratings of one request: all that one tick asks for in one MGET. All rating fields of a product get the same read, so
 * an answer shows one version; where one of them asks for a version, the others get that version as well.
 */
export class RatingLoader {
  /** Products that this request changed: their ratings come from PostgreSQL, so that the caller sees the change. */
  private readonly changed = new Set<string>();
  /** The highest version that was asked for, by product. */
  private readonly minVersions = new Map<string, number>();
  private readonly ratings: DataLoader<string, ReadRating>;

  constructor(private readonly reader: RatingReader) {
    this.ratings = new DataLoader((productIds) => this.readAll(productIds));
  }

  load(productId: string): Promise<ReadRating> {
    return this.ratings.load(productId);
  }

  /**
   * At least `minVersion`, or the newest that there is. Fields that were answered before anyone asked for the version
   * (of the same product at a higher level of the query) keep what they have.
   */
  async loadAtLeast(productId: string, minVersion: number): Promise<ReadRating> {
    this.minVersions.set(productId, Math.max(minVersion, this.minVersions.get(productId) ?? 0));
    const read = await this.ratings.load(productId);
    if (read.state.seq >= minVersion || read.isCurrent) return read;
    return this.ratings.clear(productId).load(productId);
  }

  /**
   * To be called after a mutation of this request changed a review of the product.
   * @param state the rating with the change in it, where the mutation has read it
   */
  productChanged(productId: string, state?: RatingState): void {
    this.changed.add(productId);
    this.ratings.clear(productId);
    if (state !== undefined) {
      this.ratings.prime(productId, { state, source: RatingSource.DATABASE, isCurrent: true });
    }
  }

  private async readAll(productIds: readonly string[]): Promise<ReadRating[]> {
    const changed = productIds.filter((id) => this.changed.has(id));
    const others = productIds.filter((id) => !this.changed.has(id));
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
