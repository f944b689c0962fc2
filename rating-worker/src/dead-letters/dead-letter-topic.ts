import { randomUUID } from 'node:crypto';
import type { Admin, IHeaders, Kafka } from 'kafkajs';
import { DEAD_LETTER_HEADERS } from './dead-letter-headers.js';

/** A dead letter as it lies in its topic. */
export interface DeadLetter {
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The original message's own headers. */
  readonly headers: IHeaders;
  readonly reason: string;
  readonly source: { readonly topic: string; readonly partition: string; readonly offset: string };
  /** Set where the value was too large for the topic: its size. */
  readonly omittedBytes: string | undefined;
  /** Whether value, headers and key are the original's. */
  readonly isComplete: boolean;
}

export interface ReplayReport {
  replayed: number;
  /** Not all of them is in the dead-letter topic. */
  skipped: number;
}

/** Reads the dead-letter topic and replays its letters: sends them back to the topics they came from. */
export class DeadLetterTopic {
  constructor(
    private readonly kafka: Kafka,
    private readonly topic: string,
    /** The consumer group whose offsets say how far the letters have been replayed. */
    private readonly replayGroup: string,
  ) {}

  /** Visits the letters that were not replayed yet, or all, in the order of each partition. */
  async visit(all: boolean, visitor: (letter: DeadLetter) => Promise<void> | void): Promise<void> {
    await this.withAdmin(async (admin) => {
      await this.read(admin, await this.readRanges(admin, all), visitor);
    });
  }

  /**
   * Sends letters back to their source topic, as they were, and remembers it. Killed in between, it sends some twice,
   * which is harmless.
   */
  async replay(wanted: (letter: DeadLetter) => boolean, all: boolean): Promise<ReplayReport> {
    const report: ReplayReport = { replayed: 0, skipped: 0 };
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    try {
      await this.withAdmin(async (admin) => {
        const ranges = await this.readRanges(admin, all);
        await this.read(admin, ranges, async (letter) => {
          if (!wanted(letter)) return;
          if (!letter.isComplete) {
            report.skipped += 1;
            return;
          }
          const { key, value, headers } = letter;
          await producer.send({ topic: letter.source.topic, acks: -1, messages: [{ key, value, headers }] });
          report.replayed += 1;
        });
        if (!all) await this.commitReplayed(ranges);
      });
    } finally {
      await producer.disconnect();
    }
    return report;
  }

  private async withAdmin(work: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  private async readRanges(admin: Admin, all: boolean): Promise<Range[]> {
    if (!(await admin.listTopics()).includes(this.topic)) {
      throw new Error(`the topic ${this.topic} does not exist: "npm run migrate" creates it`);
    }
    const bounds = await admin.fetchTopicOffsets(this.topic);
    const [replayed] = all ? [] : await admin.fetchOffsets({ groupId: this.replayGroup, topics: [this.topic] });
    return bounds.map(({ partition, low, high }) => {
      const next = replayed?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
      return { partition, from: BigInt(next) > BigInt(low) ? BigInt(next) : BigInt(low), to: BigInt(high) };
    });
  }

  private async read(
    admin: Admin,
    ranges: readonly Range[],
    visitor: (letter: DeadLetter) => Promise<void> | void,
  ): Promise<void> {
    const open = new Map(ranges.filter(({ from, to }) => from < to).map((range) => [range.partition, range]));
    if (open.size === 0) return;
    const groupId = `dead-letter-reader-${randomUUID()}`;
    const consumer = this.kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: this.topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        consumer
          .run({
            autoCommit: false,
            eachMessage: async ({ partition, message }) => {
              const range = open.get(partition);
              if (range === undefined || BigInt(message.offset) < range.from) return;
              await visitor(toDeadLetter(partition, message));
              if (BigInt(message.offset) + 1n < range.to) return;
              open.delete(partition);
              if (open.size === 0) resolve();
            },
          })
          .then(() => {
            for (const { partition, from } of open.values()) {
              consumer.seek({ topic: this.topic, partition, offset: String(from) });
            }
          }, reject);
      });
    } finally {
      await consumer.disconnect();
      await admin.deleteGroups([groupId]).catch(() => {});
    }
  }

  /** Commits the ends of the ranges for the replay group. kafkajs's admin.setOffsets does the same, in five seconds. */
  private async commitReplayed(ranges: readonly Range[]): Promise<void> {
    const news = ranges.filter(({ from, to }) => from < to);
    if (news.length === 0) return;
    const consumer = this.kafka.consumer({ groupId: this.replayGroup, maxWaitTimeInMs: 100 });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: this.topic });
      await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
      await consumer.commitOffsets(
        news.map(({ partition, to }) => ({ topic: this.topic, partition, offset: String(to) })),
      );
    } finally {
      await consumer.disconnect();
    }
  }
}

/** From this offset, up to but not including that one. */
interface Range {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

interface Message {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders;
}

const OMISSION_HEADERS = [
  DEAD_LETTER_HEADERS.omittedBytes,
  DEAD_LETTER_HEADERS.omittedHeaderBytes,
  DEAD_LETTER_HEADERS.omittedKeyBytes,
];

function toDeadLetter(partition: number, { offset, key, value, headers = {} }: Message): DeadLetter {
  const own: readonly string[] = Object.values(DEAD_LETTER_HEADERS);
  const text = (name: string): string | undefined => headers[name]?.toString();
  return {
    partition,
    offset,
    key,
    value,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name))),
    reason: text(DEAD_LETTER_HEADERS.reason) ?? 'unknown',
    source: {
      topic: text(DEAD_LETTER_HEADERS.topic) ?? '',
      partition: text(DEAD_LETTER_HEADERS.partition) ?? '',
      offset: text(DEAD_LETTER_HEADERS.offset) ?? '',
    },
    omittedBytes: text(DEAD_LETTER_HEADERS.omittedBytes),
    isComplete: OMISSION_HEADERS.every((name) => headers[name] === undefined),
  };
}
