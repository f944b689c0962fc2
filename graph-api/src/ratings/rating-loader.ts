import DataLoader from 'dataloader';
import type { RatingReader, ReadRating } from './rating-reader.js';

/** The ratings of one request: all that one tick asks for in one MGET. */
export class RatingLoader {
  /** Products that this request changed: their ratings come from PostgreSQL, so that the caller sees the change. */
  private readonly changed = new Set<string>();
  private readonly ratings: DataLoader<string, ReadRating>;
  private readonly current: DataLoader<{ productId: string; read: ReadRating }, ReadRating, string>;

  constructor(private readonly reader: RatingReader) {
    this.ratings = new DataLoader((productIds) => this.readAll(productIds));
    this.current = new DataLoader((behind) => this.reader.readCurrent(behind), {
      cacheKeyFn: ({ productId }) => productId,
    });
  }

  load(productId: string): Promise<ReadRating> {
    return this.ratings.load(productId);
  }

  /** At least `minVersion`, or the newest that there is. */
  async loadAtLeast(productId: string, minVersion: number): Promise<ReadRating> {
    const read = await this.load(productId);
    return read.state.seq >= minVersion ? read : this.current.load({ productId, read });
  }

  /** To be called after a mutation of this request changed a review of the product. */
  productChanged(productId: string): void {
    this.changed.add(productId);
    this.ratings.clear(productId);
    this.current.clearAll();
  }

  private async readAll(productIds: readonly string[]): Promise<ReadRating[]> {
    const changed = productIds.filter((id) => this.changed.has(id));
    const others = productIds.filter((id) => !this.changed.has(id));
    const [fromDatabase, fromCache] = await Promise.all([
      changed.length === 0 ? [] : this.reader.readDatabase(changed),
      others.length === 0 ? [] : this.reader.read(others),
    ]);
    const ratings = new Map([
      ...changed.map((id, i) => [id, fromDatabase[i]!] as const),
      ...others.map((id, i) => [id, fromCache[i]!] as const),
    ]);
    return productIds.map((id) => ratings.get(id)!);
  }
}
