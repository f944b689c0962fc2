import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { OffsetsByTopicPartition } from 'kafkajs';

type Commit = (offsets: OffsetsByTopicPartition) => Promise<void>;

/**
 * Remembers up to which offset each partition has been handled, and commits what is new when asked to. Committing on a timer
 * instead of after every batch saves each batch a round trip; what is delivered again after a crash is a duplicate.
 *
 *     g = assign([0, 1])         positions: 0 → ?   1 → ?
 *     markDone(0, '41', g)       positions: 0 → 42  1 → ?      an offset names the next message to handle
 *     commit(…)                  commits 0 → 42
 *     commit(…)                  commits nothing: 42 is committed
 *     assign([0])                positions: 0 → ?              others may have owned it meanwhile: 42 would move it back
 *     markDone(0, '50', g)       positions: 0 → ?              handled in a generation that is over: not ours to commit
 */
export class OffsetCommitter {
  /** The next offset to handle, by partition. */
  private readonly done = new Map<number, string>();
  private readonly committed = new Map<number, string>();
  private assigned: readonly number[] = [];
  private current = 0;

  constructor(
    private readonly topic: string,
    private readonly logger: Logger,
  ) {}

  /** The generation that the last `assign` began. */
  get generation(): number {
    return this.current;
  }

  /**
   * The partition has been handled up to and including this offset.
   * @param generation the one in which the messages were fetched; where it is over, the call changes nothing
   * @returns whether the generation still holds
   */
  markDone(partition: number, lastOffset: string, generation: number): boolean {
    if (generation !== this.current) return false;
    this.done.set(partition, String(BigInt(lastOffset) + 1n));
    return true;
  }

  /**
   * Takes the partitions that the group has given to this process, and forgets all positions: where this process missed a
   * generation, another may have moved the offsets on, and kafkajs fetches from what is committed.
   * @returns the new generation
   */
  assign(partitions: readonly number[]): number {
    this.assigned = partitions;
    this.committed.clear();
    this.done.clear();
    this.current += 1;
    return this.current;
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
