import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { AggregatePart, AggregateReader } from './aggregate-reader.js';

/** What became of the products of a rebuild. Those in neither are not in PostgreSQL. */
export interface RebuildResult {
  /** The sequence numbers that were read, by product. */
  readonly sequences: ReadonlyMap<string, number>;
  /** Products that are not rebuilt: PostgreSQL could not count them. */
  readonly setAside: readonly string[];
}

/** Rebuilds ratings from PostgreSQL: one statement for all products, then one script call, as far as they fit. */
export class RatingRebuilder {
  constructor(
    private readonly reader: AggregateReader,
    private readonly store: RatingStore,
  ) {}

  /**
   * Writes the products' aggregates to Redis, except where Redis is newer. Products that PostgreSQL lacks are left alone. What does
   * not fit into one statement takes as many, each up to the time limit of a statement.
   * @throws the database's error where PostgreSQL fails, ioredis's where Redis does
   */
  async rebuild(productIds: readonly string[]): Promise<RebuildResult> {
    const sequences = new Map<string, number>();
    const setAside: string[] = [];
    for await (const part of this.reader.read(productIds)) {
      const written = await this.write(part);
      for (const [productId, seq] of written.sequences) sequences.set(productId, seq);
      setAside.push(...written.setAside);
    }
    return { sequences, setAside };
  }

  /**
   * As `rebuild`, in one statement, for a caller whom others wait for.
   * @throws besides, the database's error where the statement is too large
   */
  async rebuildAtOnce(productIds: readonly string[]): Promise<RebuildResult> {
    return this.write(await this.reader.readAtOnce(productIds));
  }

  private async write({ aggregates, setAside }: AggregatePart): Promise<RebuildResult> {
    await this.store.replace(aggregates);
    return { sequences: new Map(aggregates.map(({ productId, seq }) => [productId, seq])), setAside };
  }
}
