import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

/** KEYS[1] the lock · ARGV[1] our token, ARGV[2] lease in ms · returns 1 where the lock is ours now. */
const HOLD = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS[1] the lock · ARGV[1] our token. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

/**
 * Elects one process of a cluster for as long as it comes back in time. Only a thrift measure: two holders at once,
 * after a pause of one of them, do the same work twice and no harm.
 */
export class LeaderLease {
  private readonly token = randomUUID();

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly leaseMs: number,
  ) {}

  /** Takes or renews the lease. Returns whether it is ours. */
  async hold(): Promise<boolean> {
    return (await this.redis.eval(HOLD, 1, this.key, this.token, this.leaseMs)) === 1;
  }

  /** Lets the next one take over at once. */
  async release(): Promise<void> {
    await this.redis.eval(RELEASE, 1, this.key, this.token);
  }
}
