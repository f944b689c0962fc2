import type { Redis } from 'ioredis';

export interface Signs {
  /** Redis holds less than it once did: it was flushed, restarted empty, or put back to an older copy. */
  readonly lostData: boolean;
  /** Redis holds no heartbeat, and this process has never seen one: a new installation, or all was lost meanwhile. */
  readonly isNew: boolean;
  /** Somebody asked for everything to be compared at once since the last look. */
  readonly requested: boolean;
}

/**
 * What two counters in Redis tell: a heartbeat, which only ever grows unless Redis loses data, and the number of
 * requests for a full comparison.
 */
export class RedisSigns {
  private heartbeat: number | undefined;
  private requests: number | undefined;
  private loss = false;
  private unknown = false;

  constructor(
    private readonly redis: Redis,
    private readonly heartbeatKey: string,
    private readonly requestsKey: string,
  ) {}

  /**
   * Looks at the counters; the leader also counts the heartbeat up. Everybody watches, so that who becomes the leader
   * knows what there was: a loss is reported to the leader only, and once.
   */
  async look(leading: boolean): Promise<Signs> {
    const [before, requests] = (await this.redis.mget(this.heartbeatKey, this.requestsKey)).map(Number) as [
      number,
      number,
    ];
    if (this.heartbeat === undefined) this.unknown = before === 0;
    else this.loss ||= before < this.heartbeat;
    this.heartbeat = leading ? await this.redis.incr(this.heartbeatKey) : before;
    this.loss ||= leading && this.heartbeat <= before;
    const requested = this.requests !== undefined && requests !== this.requests;
    this.requests = requests;
    const signs = { lostData: leading && this.loss, isNew: leading && this.unknown, requested };
    if (leading) this.loss = this.unknown = false;
    return signs;
  }

  async requestComparison(): Promise<void> {
    await this.redis.incr(this.requestsKey);
  }
}
