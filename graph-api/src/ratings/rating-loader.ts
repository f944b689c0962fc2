import type { RatingState } from '@exact-ratings/shared/rating/rating-state.js';
import DataLoader from 'dataloader';
import type { Viewer } from '../auth/viewer.js';
import type { Product } from '../products/product.js';
import type { OwnWrites } from './own-writes.js';
import type { RatingReader } from './rating-reader.js';
import { readAhead } from './read-ahead.js';

/**
 * The ratings of one request: all that one tick asks for in one MGET. All rating fields of a product get the same read, so
 * an answer shows one version.
 */
export class RatingLoader {
  /** The highest version that the caller asked for, by product. */
  private readonly askedVersions = new Map<string, number>();
  /** What tells which product a version is asked for; ratings are read after it. */
  private readonly lookUps: Array<Promise<void>> = [];
  /** The versions that this request itself made, by product, and those of earlier ones of the caller. */
  private readonly writtenVersions = new Map<string, number>();
  private readonly earlierVersions: ReadonlyArray<ReadonlyMap<string, number>>;
  /** What was read; where a read is on its way, what ends when it is here. */
  private readonly reads = new Map<string, RatingState | Promise<void>>();
  /** Joins what one tick asks for; `reads` remembers. */
  private readonly batches = new DataLoader<string, RatingState>((productIds) => this.readAll(productIds), {
    cache: false,
  });

  constructor(
    private readonly reader: RatingReader,
    private readonly ownWrites: OwnWrites,
    private readonly viewer: Viewer | null,
  ) {
    this.earlierVersions = viewer === null ? [] : ownWrites.versionsOf(viewer);
  }

  /** At once where the rating is read already: a promise for each field of a page costs more than the field. */
  load(productId: string): RatingState | Promise<RatingState> {
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
      if (read !== undefined && !(read instanceof Promise)) readAhead(product, read);
    }
  }

  /**
   * The ratings of this product hold at least this version, wherever in the answer, or are the newest that there are. To be called
   * before anything is read: by the resolvers of the query's own fields.
   * @param productId null, or a promise of null, where there is no such product
   */
  require(productId: string | null | Promise<string | null>, version: number): void {
    if (productId instanceof Promise) {
      // Whoever asked for the look-up reports its failure.
      this.lookUps.push(productId.then((id) => this.require(id, version)).catch(() => undefined));
    } else if (productId !== null) {
      this.askedVersions.set(productId, Math.max(version, this.askedVersions.get(productId) ?? 0));
    }
  }

  /**
   * To be called after a mutation of this request changed the product's rating: neither this request nor a later one of the caller
   * reads an older one.
   * @param version the sequence number of the change
   * @param state the rating with the change in it, where the mutation has read it
   */
  written(productId: string, version: number, state?: RatingState): void {
    // What the mutation has read may hold others' changes as well, and is shown to the caller.
    const shown = Math.max(version, state?.seq ?? 0);
    this.writtenVersions.set(productId, shown);
    if (this.viewer !== null) this.ownWrites.record(this.viewer, productId, shown);
    if (state === undefined) this.reads.delete(productId);
    else this.reads.set(productId, state);
  }

  /** To be called after a mutation of this request deleted the product. */
  clear(productId: string): void {
    this.reads.delete(productId);
  }

  private remember(productIds: readonly string[], reading: Promise<readonly RatingState[]>): Promise<void> {
    const read = reading.then((ratings) =>
      productIds.forEach((id, i) => {
        if (this.reads.get(id) === read) this.reads.set(id, ratings[i]!);
      }),
    );
    for (const id of productIds) this.reads.set(id, read);
    return read;
  }

  private async readAll(productIds: readonly string[]): Promise<readonly RatingState[]> {
    if (this.lookUps.length > 0) await Promise.all(this.lookUps);
    return this.reader.read(
      productIds.map((productId) => ({
        productId,
        askedVersion: this.askedVersions.get(productId) ?? 0,
        committedVersion: this.committedVersion(productId),
      })),
    );
  }

  private committedVersion(productId: string): number {
    let version = this.writtenVersions.get(productId) ?? 0;
    for (const versions of this.earlierVersions) version = Math.max(version, versions.get(productId) ?? 0);
    return version;
  }
}
