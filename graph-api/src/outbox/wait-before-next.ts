import type { NextRound } from '@exact-ratings/shared/runtime/running-loop.js';

/** How a try to publish a batch ended. */
export type BatchOutcome = 'PUBLISHED_ALL' | 'PUBLISHED_FULL_BATCH' | 'BATCH_REFUSED' | 'LOCK_HELD_ELSEWHERE';

/**
 * How long the relay waits after a batch:
 *
 *     full batch                                     → not at all: there may be more
 *     batch refused for its size                     → not at all: the next one is smaller, or without that row
 *     lock held elsewhere, wake-ups not yet covered  → 5–20 ms: the relay at work may have read before our commit
 *     anything else                                  → until woken, or until the next poll
 *
 * @param hasUncoveredWakes whether this process committed events that no completed read of its relay has covered
 */
export function waitBeforeNext(outcome: BatchOutcome, hasUncoveredWakes: boolean, pollIntervalMs: number): NextRound {
  if (outcome === 'PUBLISHED_FULL_BATCH' || outcome === 'BATCH_REFUSED') return { afterMs: 0, orWhenWoken: true };
  if (outcome === 'LOCK_HELD_ELSEWHERE' && hasUncoveredWakes) {
    return { afterMs: 5 + Math.random() * 15, orWhenWoken: false };
  }
  return { afterMs: pollIntervalMs, orWhenWoken: true };
}
