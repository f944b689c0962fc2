interface Batch<Key, Value> {
  readonly keys: Key[];
  readonly values: Promise<readonly Value[]>;
}

/**
 * Joins the reads that are asked for in one turn of the event loop, of any request, into one. Nobody waits for it: it begins
 * as soon as what has arrived by then is handled.
 */
export class TurnBatch<Key, Value> {
  private gathering: Batch<Key, Value> | null = null;

  /**
   * @param readMany the values in the order of the keys; a key may be given more than once
   * @param maxKeys of several callers together: whoever would exceed it begins the next batch
   */
  constructor(
    private readonly readMany: (keys: readonly Key[]) => Promise<readonly Value[]>,
    private readonly maxKeys: number,
  ) {}

  /** The values in the order of the keys; rejects as the read does. */
  async load(keys: readonly Key[]): Promise<readonly Value[]> {
    const hasRoom = this.gathering !== null && this.gathering.keys.length + keys.length <= this.maxKeys;
    const batch = hasRoom ? this.gathering! : this.begin();
    const first = batch.keys.length;
    batch.keys.push(...keys);
    const values = await batch.values;
    return values.slice(first, first + keys.length);
  }

  private begin(): Batch<Key, Value> {
    const keys: Key[] = [];
    const values = new Promise(setImmediate).then(() => {
      if (this.gathering === batch) this.gathering = null;
      return this.readMany(keys);
    });
    const batch = { keys, values };
    this.gathering = batch;
    return batch;
  }
}
