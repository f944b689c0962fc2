export interface PartitionProgress {
  readonly partition: number;
  /** The next offset to handle. */
  readonly position: bigint;
  /** The partition's end: the offset that its next message will have. */
  readonly end: bigint;
  /** A batch of it is being handled; whether that takes too long is for others to judge. */
  readonly busy: boolean;
}

/** Finds partitions that have messages, are not busy, and have not moved for `allowedMs`. */
export class StallDetector {
  private readonly still = new Map<number, { position: bigint; since: number }>();

  constructor(private readonly allowedMs: number) {}

  /** Takes the assigned partitions; returns those that are stalled. */
  observe(progress: readonly PartitionProgress[], now: number): number[] {
    const assigned = new Set(progress.map(({ partition }) => partition));
    for (const partition of this.still.keys()) if (!assigned.has(partition)) this.still.delete(partition);
    return progress.filter((one) => this.isStalled(one, now)).map(({ partition }) => partition);
  }

  /** Forgets all, after a time in which nobody observed. */
  reset(): void {
    this.still.clear();
  }

  private isStalled({ partition, position, end, busy }: PartitionProgress, now: number): boolean {
    const before = this.still.get(partition);
    if (busy || position >= end) {
      this.still.delete(partition);
      return false;
    }
    if (before?.position === position) return now - before.since >= this.allowedMs;
    this.still.set(partition, { position, since: now });
    return false;
  }
}
