export interface PartitionProgress {
  readonly partition: number;
  /** The next offset to be done. */
  readonly position: bigint;
  /** The partition's end: the offset that its next message will have. */
  readonly end: bigint;
  /** A batch of it is being worked on: then it waits for something that is known. */
  readonly busy: boolean;
}

/** Notices partitions that stand still for longer than allowed while there is something to read. */
export class StallDetector {
  private readonly still = new Map<number, { position: bigint; since: number }>();

  constructor(private readonly allowedMs: number) {}

  /** Takes the partitions that are ours now; returns those that stand still. */
  observe(progress: readonly PartitionProgress[], now: number): number[] {
    const ours = new Set(progress.map(({ partition }) => partition));
    for (const partition of this.still.keys()) if (!ours.has(partition)) this.still.delete(partition);
    return progress.filter((one) => this.standsStill(one, now)).map(({ partition }) => partition);
  }

  /** Begins anew, after a time in which nobody looked. */
  reset(): void {
    this.still.clear();
  }

  private standsStill({ partition, position, end, busy }: PartitionProgress, now: number): boolean {
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
