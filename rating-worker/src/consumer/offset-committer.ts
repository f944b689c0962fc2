import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { OffsetsByTopicPartition } from 'kafkajs';

type Commit = (offsets: OffsetsByTopicPartition) => Promise<void>;

/**
 * Remembers how far each partition is done and commits it from time to time: a commit a batch would cost every batch
 * a round trip. What is delivered again after a crash is "seen".
 */
export class OffsetCommitter {
  /** The next offset to read, by partition. */
  private readonly done = new Map<number, string>();
  private readonly committed = new Map<number, string>();
  private assigned: readonly number[] = [];

  constructor(
    private readonly topic: string,
    private readonly logger: Logger,
  ) {}

  /** Everything up to and including this offset is done. */
  markDone(partition: number, lastOffset: string): void {
    this.done.set(partition, String(BigInt(lastOffset) + 1n));
  }

  /** The partitions that are ours from now on; what others own is not ours to commit. */
  assign(partitions: readonly number[]): void {
    this.assigned = partitions;
    this.committed.clear();
    for (const partition of this.done.keys()) {
      if (!partitions.includes(partition)) this.done.delete(partition);
    }
  }

  /** Our partitions, each with the next offset to be done; undefined where none was done by us. */
  positions(): Map<number, string | undefined> {
    return new Map(this.assigned.map((partition) => [partition, this.done.get(partition)]));
  }

  /** Commits what is new. A failure is no harm: the next commit says more. */
  async commit(commit: Commit): Promise<void> {
    const news = [...this.done].filter(([partition, offset]) => this.committed.get(partition) !== offset);
    if (news.length === 0) return;
    try {
      await commit({
        topics: [{ topic: this.topic, partitions: news.map(([partition, offset]) => ({ partition, offset })) }],
      });
      for (const [partition, offset] of news) this.committed.set(partition, offset);
    } catch (error) {
      this.logger.debug({ reason: errorMessage(error) }, 'offsets could not be committed');
    }
  }
}
