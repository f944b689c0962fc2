import { readStreamPositions } from '@exact-ratings/shared/rating/rating-aggregates.js';
import { sequenceOf, type StoredRating } from '@exact-ratings/shared/rating/rating-state.js';
import type { DriftFinding } from '../drift/drift-repairer.js';
import type { ScanParts } from '../drift/drift-scans.js';
import type { RecentProducts } from './recent-products.js';

export interface RecentReport {
  compared: number;
  found: number;
  repaired: number;
}

/** Checks the products consumed lately: whether what was written to Redis is still there. */
export class RecentCheck {
  constructor(
    private readonly products: RecentProducts,
    private readonly parts: ScanParts,
    /** Whether keys expire, so that a product without any has not lost them. */
    private readonly keysExpire: boolean,
  ) {}

  /**
   * Checks them all and rebuilds what is missing or older; ends early once aborted.
   * @throws the database's error or ioredis's
   */
  async run(signal: AbortSignal): Promise<RecentReport> {
    const { store, database, repairer, config, metrics } = this.parts;
    const report = { compared: 0, found: 0, repaired: 0 };
    const settled = this.products.settled(config.graceMs);
    for (let start = 0; start < settled.length && !signal.aborted; start += config.pageSize) {
      const page = settled.slice(start, start + config.pageSize);
      const stored = await store.inspectMany(page.map(({ productId }) => productId));
      report.compared += page.length;
      metrics.compared.inc({ scan: 'recent' }, page.length);
      const doubtful = page.filter(({ seq }, i) => !this.holds(stored[i]!, seq)).map(({ productId }) => productId);
      const known = await readStreamPositions(database, doubtful);
      for (const productId of doubtful) if (!known.has(productId)) this.products.delete(productId);
      const lost = doubtful
        .filter((productId) => known.has(productId))
        .map((productId): DriftFinding => ({ productId, kind: 'lost', seq: 0 }));
      report.found += lost.length;
      report.repaired += await repairer.repair(lost, signal);
    }
    return report;
  }

  private holds(stored: StoredRating, seq: number): boolean {
    if (stored.kind === 'ABSENT') return this.keysExpire;
    return stored.kind !== 'CORRUPT' && sequenceOf(stored) >= seq;
  }
}
