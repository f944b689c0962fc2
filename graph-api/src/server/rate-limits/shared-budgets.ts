import { createHash } from 'node:crypto';
import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Redis, Result } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { CircuitBreaker } from '../../ratings/circuit-breaker.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    spendBudgets(numberOfKeys: number, ...keysAndArguments: Array<string | number>): Result<number[], Context>;
  }
}

/** The time in which a whole budget comes back, in milliseconds. */
export const WINDOW_MS = 60_000;

/**
 * For each key adds what was spent to the moment at which the budget is whole again, which is all that the key holds. A
 * budget that is whole needs no key. Times are microseconds of Redis' own clock: those of the processes may differ.
 *
 * KEYS: budgets. ARGV: what was spent of each. Returns what is gone of each.
 */
const SPEND_BUDGETS = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local latest = now + ${2 * WINDOW_MS * 1000}
local gone = {}
for i, value in ipairs(redis.call('MGET', unpack(KEYS))) do
  local whole = math.min(math.max(value and tonumber(value) or now, now) + ARGV[i], latest)
  gone[i] = whole - now
  if tonumber(ARGV[i]) > 0 then
    redis.call('SET', KEYS[i], string.format('%.0f', whole), 'PX', math.max(1, math.ceil(gone[i] / 1000)))
  end
end
return gone
`;

/** Callers that a process remembers, at some 300 bytes. One that is forgotten is asked for again in Redis. */
const MAX_BUDGETS = 50_000;
/** Budgets in one script call: under a millisecond of Redis. */
const BUDGETS_PER_CALL = 200;
/** Time from one call to the next, in milliseconds: what a process can learn late of the spending of others. */
const SHARE_EVERY_MS = 20;

/** What a caller has of one kind. Times are milliseconds of this process' monotonic clock. */
interface Budget {
  /** Of Redis. */
  readonly key: string;
  /** When it is whole again, as far as this process knows. */
  wholeAt: number;
  /** What this process has spent and Redis does not know, in milliseconds of the window. */
  unshared: number;
}

/**
 * Budgets that come back evenly within a minute (GCRA, a token bucket kept as one time), shared by all processes in Redis. Nobody waits for
 * Redis: a process decides by what it knows, and tells Redis behind that what was spent, one script call for all callers of
 * the moment, whose answer says what others have spent. So a process alone is exact, and many can allow together what
 * they spend in ${SHARE_EVERY_MS} ms. While Redis does not answer, everything is allowed.
 */
export class SharedBudgets {
  private readonly budgets = new LRUCache<string, Budget>({ max: MAX_BUDGETS });
  private readonly unshared = new Set<Budget>();
  private readonly breaker: CircuitBreaker;
  private timer: NodeJS.Timeout | undefined;
  private isSharing = false;
  private isStopped = false;

  /** @param timeoutMs time for one call of Redis, in milliseconds */
  constructor(
    private readonly redis: Redis,
    private readonly timeoutMs: number,
    logger: Logger,
  ) {
    redis.defineCommand('spendBudgets', { lua: SPEND_BUDGETS });
    this.breaker = new CircuitBreaker({
      // Without an answer this process would go on by what it remembers, and refuse callers who may have budget.
      failureShare: 0,
      minFailures: 1,
      windowMs: 1_000,
      openMs: 1_000,
      onChange: (open) =>
        open
          ? logger.warn('Redis does not answer: rate limits are off until it does')
          : logger.info('Redis answers again: rate limits are on'),
    });
  }

  /**
   * The time in milliseconds until this much can be spent; 0 where it can be now.
   * @param name tells budgets apart, also those of other kinds; Redis sees a hash of it
   * @param share of the whole budget. More than the whole can be spent where nothing is gone.
   */
  waitMs(name: string, share: number): number {
    if (this.breaker.isOpen || this.redis.status !== 'ready') return 0;
    return Math.max(0, this.goneMs(name) + Math.min(share, 1) * WINDOW_MS - WINDOW_MS);
  }

  /** Spends this share of the whole budget, whatever is left of it. */
  spend(name: string, share: number): void {
    const budget = this.budgetOf(name);
    const amount = share * WINDOW_MS;
    budget.wholeAt = Math.max(budget.wholeAt, performance.now()) + amount;
    budget.unshared += amount;
    this.unshared.add(budget);
    if (this.isSharing) return;
    this.isSharing = true;
    // Everything of this turn of the event loop goes along.
    setImmediate(() => void this.shareAll());
  }

  /** The time in milliseconds until the budget is whole. Of the minute it takes as large a part as is gone of the budget. */
  goneMs(name: string): number {
    return Math.max(0, this.budgetOf(name).wholeAt - performance.now());
  }

  /** No further call of Redis is made. */
  stop(): void {
    clearTimeout(this.timer);
    this.isStopped = true;
  }

  private budgetOf(name: string): Budget {
    let budget = this.budgets.get(name);
    if (budget === undefined) {
      const hash = createHash('sha256').update(name).digest('base64url').slice(0, 24);
      budget = { key: `rateLimit:${hash}`, wholeAt: 0, unshared: 0 };
      this.budgets.set(name, budget);
    }
    return budget;
  }

  private async shareAll(): Promise<void> {
    if (this.isStopped) return;
    const budgets = [...this.unshared].slice(0, BUDGETS_PER_CALL);
    const amounts = budgets.map((budget) => Math.round(budget.unshared * 1_000));
    for (const budget of budgets) {
      budget.unshared = 0;
      this.unshared.delete(budget);
    }
    if (this.breaker.allows()) await this.call(budgets, amounts);
    this.timer = setTimeout(() => {
      this.isSharing = this.unshared.size > 0;
      if (this.isSharing) void this.shareAll();
    }, SHARE_EVERY_MS);
    this.timer.unref();
  }

  private async call(budgets: readonly Budget[], amounts: readonly number[]): Promise<void> {
    try {
      const keys = budgets.map(({ key }) => key);
      const call = this.redis.spendBudgets(keys.length, ...keys, ...amounts);
      const gone = await withDeadline(call, this.timeoutMs, 'Redis did not answer');
      const now = performance.now();
      budgets.forEach((budget, i) => {
        budget.wholeAt = now + gone[i]! / 1_000 + budget.unshared;
      });
      this.breaker.succeeded();
    } catch {
      this.breaker.failed();
    }
  }
}
