import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { WorkerMetrics } from '../metrics.js';
import type { Rebuilder } from '../ratings/rating-rebuilder.js';
import type { RateLimiter } from './rate-limiter.js';

/**
 * `lost`: a write that was made is not there any more · `stalled`: behind SQL, and no event moves it · `refill`: not
 * there after Redis lost its data · `corrupt`: the keys do not agree · `ahead`, `content`, `tombstone`: Redis has what
 * SQL cannot know of · `orphan`: SQL has no such product.
 */
export type DriftKind = 'lost' | 'stalled' | 'refill' | 'corrupt' | 'ahead' | 'content' | 'tombstone' | 'orphan';

export interface Finding {
  readonly productId: string;
  readonly kind: DriftKind;
  /** The number that Redis has; 0 where it has none. */
  readonly seq: number;
}

const CHUNK = 200;

/** Makes right again what differs, no faster than allowed. */
export class Healer {
  constructor(
    private readonly store: RatingStore,
    private readonly rebuilder: Rebuilder,
    private readonly limiter: RateLimiter,
    private readonly metrics: WorkerMetrics,
    private readonly logger: Logger,
  ) {}

  /**
   * Returns how many are right now.
   * @throws DatabaseUnavailableError, or ioredis's error; the next pass finds the rest again.
   */
  async heal(findings: readonly Finding[], signal: AbortSignal): Promise<number> {
    let healed = 0;
    const chunk = Math.min(CHUNK, this.limiter.burst);
    for (let start = 0; start < findings.length && !signal.aborted; start += chunk) {
      const part = findings.slice(start, start + chunk);
      await this.limiter.take(part.length, signal);
      healed += await this.healPart(part);
    }
    return healed;
  }

  private async healPart(findings: readonly Finding[]): Promise<number> {
    for (const { kind } of findings) this.metrics.drifted.inc({ kind });
    const drifted = findings.filter(({ kind }) => kind !== 'refill');
    if (drifted.length > 0) {
      this.logger.warn({ count: drifted.length, findings: drifted.slice(0, 10) }, 'ratings differ from SQL');
    }
    const orphans = findings.filter(({ kind }) => kind === 'orphan');
    const forward = findings.filter(({ kind }) => kind === 'ahead' || kind === 'content' || kind === 'tombstone');
    const others = findings.filter((finding) => !orphans.includes(finding) && !forward.includes(finding));

    await this.bury(orphans);
    const numbers = new Map([
      ...(forward.length > 0 ? await this.rebuilder.moveForward(forward) : []),
      ...(others.length > 0 ? await this.rebuilder.rebuild(others.map(({ productId }) => productId)) : []),
    ]);
    return this.countHealed(findings, numbers);
  }

  /** A tombstone just above the state refuses what comes late; keys without a state are only removed. */
  private async bury(orphans: readonly Finding[]): Promise<void> {
    const known = orphans.filter(({ seq }) => seq > 0);
    await this.store.apply(
      known.map(({ productId, seq }) => ({ productId, changes: [{ seq: seq + 1, deleted: true }] })),
    );
    await this.store.delete(orphans.filter(({ seq }) => seq === 0).map(({ productId }) => productId));
  }

  private async countHealed(findings: readonly Finding[], numbers: ReadonlyMap<string, number>): Promise<number> {
    const stored = await this.store.inspectMany(findings.map(({ productId }) => productId));
    let healed = 0;
    findings.forEach(({ productId, kind }, i) => {
      const now = stored[i]!;
      const number = numbers.get(productId);
      const right =
        number === undefined
          ? now.kind === 'ABSENT' || now.kind === 'DELETED'
          : now.kind === 'RATING' && now.state.seq >= number;
      if (!right) return;
      this.metrics.healed.inc({ kind });
      healed += 1;
    });
    return healed;
  }
}
