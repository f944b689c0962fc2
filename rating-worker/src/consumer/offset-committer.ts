import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { OffsetsByTopicPartition } from 'kafkajs';

type Commit = (offsets: OffsetsByTopicPartition) => Promise<void>;

/**
 * Remembers up to which offset each partition has been handled, and commits what is new when asked to. Committing on a timer
 * instead of after every batch saves each batch a round trip; what is delivered again after a crash is a duplicate.
 *
 *     assign([0, 1])             positions: 0 → ?   1 → ?
 *     markDone(0, '41')          positions: 0 → 42  1 → ?      an offset names the next message to handle
 *     commit(…)                  commits 0 → 42
 *     commit(…)                  commits nothing: 42 is committed
 *     assign([0])                positions: 0 → ?              another owner may have moved it on: 42 says nothing now
 */
export class OffsetCommitter {
  /** The next offset to handle, by partition. */
  private readonly done = new Map<number, string>();
  private readonly committed = new Map<number, string>();
  private assigned: readonly number[] = [];

  constructor(
    private readonly topic: string,
    private readonly logger: Logger,
  ) {}

  /** The partition has been handled up to and including this offset. */
  markDone(partition: number, lastOffset: string): void {
    this.done.set(partition, String(BigInt(lastOffset) + 1n));
  }

  /** Takes over the partitions that the group has given to this process; the positions of others are forgotten. */
  assign(partitions: readonly number[]): void {
    this.assigned = partitions;
    this.committed.clear();
    for (const partition of this.done.keys()) {
      if (!partitions.includes(partition)) this.done.delete(partition);
    }
  }

  /** The assigned partitions, each with the next offset to handle; undefined where this process has handled none. */
  positions(): Map<number, string | undefined> {
    return new Map(this.assigned.map((partition) => [partition, this.done.get(partition)]));
  }

  /** Commits what is new. A failure is only logged: the next commit says more. */
  async commit(commit: Commit): Promise<void> {
    const news = [...this.done].filter(([partition, offset]) => this.committed.get(partition) !== offset);
    if (news.length === 0) return;
    try {
      const partitions = news.map(([partition, offset]) => ({ partition, offset }));
      await commit({ topics: [{ topic: this.topic, partitions }] });
      for (const [partition, offset] of news) this.committed.set(partition, offset);
    } catch (error) {
      this.logger.debug({ reason: errorMessage(error) }, 'offsets could not be committed');
    }
  }
}
