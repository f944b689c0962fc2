import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { sequenceOf } from '@exact-ratings/shared/rating/rating-state.js';
import type { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { WorkerMetrics } from '../metrics.js';
import type { RatingRebuilder, RebuildResult } from '../ratings/rating-rebuilder.js';
import type { SequenceAdvancer } from '../ratings/sequence-advancer.js';
import type { RateLimiter } from './rate-limiter.js';

/**
 * `lost`: a write that was made is not there any more · `stalled`: behind PostgreSQL, and no event moves it · `refill`: not
 * there after Redis lost its data · `corrupt`: the keys do not agree · `ahead`, `fork`, `counts`, `tombstone`: Redis has what
 * PostgreSQL cannot know of · `orphan`: PostgreSQL has no such product · `streamless`: loaded with triggers off, so that it has
 * no stream.
 */
export type DriftKind =
  'lost' | 'stalled' | 'refill' | 'corrupt' | 'ahead' | 'fork' | 'counts' | 'tombstone' | 'orphan' | 'streamless';

/** What only a discarded timeline explains. */
export const DIVERGED_KINDS: readonly DriftKind[] = ['ahead', 'fork', 'counts', 'tombstone'];

/** A product whose rating in Redis was found to differ from PostgreSQL. */
export interface DriftFinding {
  readonly productId: string;
  readonly kind: DriftKind;
  /** The sequence number that Redis has; 0 where it has none. */
  readonly seq: number;
}

const MAX_PRODUCTS_AT_ONCE = 200;

export interface DriftRepairerOptions {
  readonly store: RatingStore;
  readonly rebuilder: RatingRebuilder;
  readonly advancer: SequenceAdvancer;
  readonly limiter: RateLimiter;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/** Repairs drift: makes ratings in Redis equal PostgreSQL again, no faster than the limiter allows. */
export class DriftRepairer {
  constructor(private readonly options: DriftRepairerOptions) {}

  /**
   * Repairs in chunks; ends early once aborted.
   * @returns how many are verified to be right now; none that PostgreSQL could not count
   * @throws the database's error or ioredis's; the next scan finds the rest again
   */
  async repair(findings: readonly DriftFinding[], signal: AbortSignal): Promise<number> {
    const { limiter } = this.options;
    let repaired = 0;
    const chunk = Math.min(MAX_PRODUCTS_AT_ONCE, limiter.burst);
    for (let start = 0; start < findings.length && !signal.aborted; start += chunk) {
      const part = findings.slice(start, start + chunk);
      await limiter.take(part.length, signal);
      repaired += await this.repairChunk(part);
    }
    return repaired;
  }

  private async repairChunk(findings: readonly DriftFinding[]): Promise<number> {
    const { rebuilder, advancer, metrics, logger } = this.options;
    for (const { kind } of findings) metrics.drifted.inc({ kind });
    const drifted = findings.filter(({ kind }) => kind !== 'refill');
    if (drifted.length > 0) {
      logger.warn({ count: drifted.length, findings: drifted.slice(0, 10) }, 'ratings differ from PostgreSQL');
    }
    const streamless = findings.filter(({ kind }) => kind === 'streamless');
    const orphans = findings.filter(({ kind }) => kind === 'orphan');
    const diverged = findings.filter(({ kind }) => DIVERGED_KINDS.includes(kind));
    const others = findings.filter((finding) => !orphans.includes(finding) && !diverged.includes(finding));

    await this.writeTombstones(orphans);
    if (streamless.length > 0) await advancer.createStreams(streamless.map(({ productId }) => productId));
    const results: RebuildResult[] = [];
    if (diverged.length > 0) results.push(await advancer.advance(diverged));
    if (others.length > 0) results.push(await rebuilder.rebuild(others.map(({ productId }) => productId)));
    const setAside = results.flatMap((result) => result.setAside);
    return this.countRepaired(
      findings.filter(({ productId }) => !setAside.includes(productId)),
      new Map(results.flatMap(({ sequences }) => [...sequences])),
    );
  }

  /** A tombstone just above the state refuses what comes late; keys without a state are only removed. */
  private async writeTombstones(orphans: readonly DriftFinding[]): Promise<void> {
    const { store } = this.options;
    const known = orphans.filter(({ seq }) => seq > 0);
    await store.apply(
      known.map(({ productId, seq }) => ({
        productId,
        changes: [{ seq: seq + 1, eventTag: NO_EVENT_TAG, deleted: true }],
      })),
    );
    await store.delete(orphans.filter(({ seq }) => seq === 0).map(({ productId }) => productId));
  }

  private async countRepaired(
    findings: readonly DriftFinding[],
    sequences: ReadonlyMap<string, number>,
  ): Promise<number> {
    const stored = await this.options.store.inspectMany(findings.map(({ productId }) => productId));
    let repaired = 0;
    findings.forEach(({ productId, kind }, i) => {
      const now = stored[i]!;
      const seq = sequences.get(productId);
      const right =
        seq === undefined
          ? now.kind === 'ABSENT' || now.kind === 'DELETED'
          : now.kind === 'RATING' && sequenceOf(now) >= seq;
      if (!right) return;
      this.options.metrics.repaired.inc({ kind });
      repaired += 1;
    });
    return repaired;
  }
}
