import type { Viewer } from '../auth/viewer.js';

/** Most writes of one generation: some 10 MB. Where more come in its time, the generation before is forgotten early. */
const MAX_WRITES = 50_000;

/** Versions of ratings, by product. */
type Versions = Map<string, number>;

/**
 * Which versions of ratings the mutations of this process have lately made, and for whom, so that no caller is answered an older
 * one than they wrote: Redis follows a commit by milliseconds, and by seconds while a worker is replaced.
 *
 * Two generations are kept, by caller; what is forgotten is the older of them as a whole.
 */
export class OwnWrites {
  private current = new Map<string, Versions>();
  private previous = new Map<string, Versions>();
  private writes = 0;
  private begunAt: number;

  /**
   * @param keptMs the least time for which a write is remembered; twice that is the most
   * @param now milliseconds of a clock that never goes back
   * @param maxWrites the most writes of one generation
   */
  constructor(
    private readonly keptMs: number,
    private readonly now: () => number,
    private readonly maxWrites = MAX_WRITES,
  ) {
    this.begunAt = now();
  }

  /** What the caller has lately written; empty for nearly every reader. A product may be in two of the maps. */
  versionsOf(viewer: Viewer): ReadonlyArray<ReadonlyMap<string, number>> {
    this.beginGeneration();
    const caller = callerOf(viewer);
    return [this.current.get(caller), this.previous.get(caller)].filter((versions) => versions !== undefined);
  }

  /** To be called once a change of the product's rating has been committed, before its caller hears of it. */
  record(viewer: Viewer, productId: string, version: number): void {
    this.beginGeneration();
    const caller = callerOf(viewer);
    const versions = this.current.get(caller) ?? new Map<string, number>();
    this.current.set(caller, versions);
    versions.set(productId, Math.max(version, versions.get(productId) ?? 0));
    this.writes += 1;
  }

  private beginGeneration(): void {
    const now = this.now();
    const age = now - this.begunAt;
    if (age < this.keptMs && this.writes < this.maxWrites) return;
    this.previous = age < 2 * this.keptMs ? this.current : new Map<string, Versions>();
    this.current = new Map();
    this.writes = 0;
    this.begunAt = now;
  }
}

function callerOf({ issuer, subject }: Viewer): string {
  return JSON.stringify([issuer, subject]);
}
