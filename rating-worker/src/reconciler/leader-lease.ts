import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

/** KEYS[1] the lease · ARGV[1] this process's token, ARGV[2] lease in ms · returns 1 where this process holds it now. */
const HOLD = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS[1] the lease · ARGV[1] this process's token. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

/**
 * A lease in Redis that one process holds at a time and renews before `leaseMs` is over. It saves work and is not needed for
 * correctness: two holders at once scan twice and change nothing.
 */
export class LeaderLease {
  private readonly token = randomUUID();

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly leaseMs: number,
  ) {}

  /** Takes or renews the lease. Returns whether this process holds it. */
  async hold(): Promise<boolean> {
    return (await this.redis.eval(HOLD, 1, this.key, this.token, this.leaseMs)) === 1;
  }

  /** Gives the lease up, so that the next process takes over at once. */
  async release(): Promise<void> {
    await this.redis.eval(RELEASE, 1, this.key, this.token);
  }
}
