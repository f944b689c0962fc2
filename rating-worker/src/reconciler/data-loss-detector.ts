import type { Redis } from 'ioredis';

export interface DataLossCheck {
  /** Redis holds less than it once did: it was flushed, restarted empty, or put back to an older copy. */
  readonly lostData: boolean;
  /** Redis holds no heartbeat, and this process has never read one: a new installation, or all was lost meanwhile. */
  readonly isNew: boolean;
  /** Somebody has requested since the last check that everything be compared at once. */
  readonly requested: boolean;
}

/**
 * Detects that Redis lost data, by a heartbeat counter in Redis that only grows unless data is lost. Beside it lies the counter
 * of requests for a full comparison.
 */
export class DataLossDetector {
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
   * Reads the counters; the leader also increments the heartbeat. Every process checks, so that the next leader knows what there
   * was. A loss is reported to the leader only, and once.
   */
  async check(leading: boolean): Promise<DataLossCheck> {
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
    const result = { lostData: leading && this.loss, isNew: leading && this.unknown, requested };
    if (leading) this.loss = this.unknown = false;
    return result;
  }

  /** Requests that everything be compared as soon as possible, by whichever process leads. */
  async requestComparison(): Promise<void> {
    await this.redis.incr(this.requestsKey);
  }
}
