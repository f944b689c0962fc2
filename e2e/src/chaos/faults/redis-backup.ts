import type { Testbed } from '../../testbed.js';

interface SavedKey {
  readonly key: string;
  readonly dump: Buffer;
  readonly ttlMs: number;
}

/** Copies every key with its value and expiry, those of the queue included. */
export async function copyRedis(bed: Testbed): Promise<SavedKey[]> {
  const saved: SavedKey[] = [];
  for (const key of await bed.redis.keys('*')) {
    const [dump, ttl] = await Promise.all([bed.redis.dumpBuffer(key), bed.redis.pttl(key)]);
    if (dump !== null) saved.push({ key, dump, ttlMs: Math.max(0, ttl) });
  }
  return saved;
}

/** Replaces everything in Redis by the copy, in one transaction. */
export async function restoreRedis(bed: Testbed, copy: readonly SavedKey[]): Promise<void> {
  const transaction = bed.redis.multi().flushall();
  for (const { key, dump, ttlMs } of copy) transaction.restore(key, ttlMs, dump);
  await transaction.exec();
}
