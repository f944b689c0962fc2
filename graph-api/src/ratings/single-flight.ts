/**
 * Joins callers that ask for the same key at the same time: a key that is being read is not read once more. Nothing is
 * kept after the read, and a read that fails fails for all who waited for it.
 */
export class SingleFlight<Key, Value> {
  private readonly inFlight = new Map<Key, Promise<Value | undefined>>();

  /** @param readMany reads many keys at once; a key that does not exist is absent from its result */
  constructor(private readonly readMany: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>) {}

  /** The values of those keys that exist; at most one call of `readMany`, for the keys that nobody is reading. */
  async load(keys: readonly Key[]): Promise<Map<Key, Value>> {
    const unread = [...new Set(keys)].filter((key) => !this.inFlight.has(key));
    if (unread.length > 0) this.start(unread);
    const values = new Map<Key, Value>();
    await Promise.all(
      keys.map(async (key) => {
        const value = await this.inFlight.get(key);
        if (value !== undefined) values.set(key, value);
      }),
    );
    return values;
  }

  private start(keys: readonly Key[]): void {
    const read = this.readMany(keys);
    for (const key of keys) {
      const value = read.then((values) => values.get(key));
      this.inFlight.set(key, value);
      const done = (): void => void this.inFlight.delete(key);
      value.then(done, done);
    }
  }
}
