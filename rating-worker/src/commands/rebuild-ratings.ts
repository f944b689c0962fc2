import { productPages } from '../drift/product-scan.js';
import type { Maintenance } from './maintenance.js';

const PAGE_SIZE = 200;

export interface RebuildReport {
  rebuilt: number;
  /** Ids that SQL does not have. */
  unknown: string[];
}

/** Writes products' ratings anew from SQL, where Redis holds nothing newer; null means all products. */
export async function rebuildRatings(
  { pool, rebuilder, limiter, signal }: Maintenance,
  productIds: readonly string[] | null,
  onProgress: (rebuilt: number) => void,
): Promise<RebuildReport> {
  const report: RebuildReport = { rebuilt: 0, unknown: [] };
  for await (const page of productIds === null ? productPages(pool, PAGE_SIZE) : pagesOf(productIds)) {
    if (signal.aborted) break;
    await limiter.take(page.length, signal);
    const rebuilt = await rebuilder.rebuild(page);
    report.rebuilt += rebuilt.size;
    report.unknown.push(...page.filter((id) => !rebuilt.has(id)));
    onProgress(report.rebuilt);
  }
  return report;
}

/**
 * The day after a backup of PostgreSQL was put back: every product's number moves past all that Redis and Kafka may have
 * of the future that is gone, then its rating is rebuilt; keys of products that the backup does not have are removed.
 */
export async function afterRestore(
  maintenance: Maintenance,
  onProgress: (moved: number) => void,
): Promise<{ moved: number; removed: number }> {
  const { pool, store, rebuilder, passes, limiter, signal } = maintenance;
  let moved = 0;
  for await (const page of productPages(pool, PAGE_SIZE)) {
    if (signal.aborted) break;
    await limiter.take(page.length, signal);
    const stored = await store.inspectMany(page);
    const seen = page.map((productId, i) => {
      const redis = stored[i]!;
      return { productId, seq: redis.kind === 'RATING' ? redis.state.seq : redis.kind === 'DELETED' ? redis.seq : 0 };
    });
    moved += (await rebuilder.moveForward(seen)).size;
    onProgress(moved);
  }
  const { healed } = await passes.reverse(signal);
  return { moved, removed: healed };
}

function* pagesOf(ids: readonly string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += PAGE_SIZE) yield ids.slice(start, start + PAGE_SIZE);
}
