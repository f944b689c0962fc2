import { CONSUMER_GROUP, type Testbed } from '../testbed.js';

/** Count of changes in transit, by stage; all zero when the pipeline has drained. */
export interface Backlog {
  readonly outbox: number;
  readonly lag: number;
  readonly jobs: number;
  /** Authors who are being erased. */
  readonly erasures: number;
}

/** Counts the rows of the outbox, the messages beyond the group's committed offsets, and the jobs of the queue. */
export async function readBacklog(bed: Testbed): Promise<Backlog> {
  // First: what an erasure deletes is in the outbox before the author is gone.
  const erasures = await countErasures(bed);
  const [outbox, lag, jobs] = await Promise.all([countOutbox(bed), consumerLag(bed), countJobs(bed)]);
  return { outbox, lag, jobs, erasures };
}

export function isDrained({ outbox, lag, jobs, erasures }: Backlog): boolean {
  return outbox === 0 && lag === 0 && jobs === 0 && erasures === 0;
}

async function countErasures(bed: Testbed): Promise<number> {
  const { rows } = await bed.pool.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM authors WHERE erasure IS NOT NULL',
  );
  return rows[0]!.count;
}

/** Count of events that the relay has not published yet. */
export async function countOutbox(bed: Testbed): Promise<number> {
  const { rows } = await bed.pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM outbox');
  return rows[0]!.count;
}

async function consumerLag(bed: Testbed): Promise<number> {
  const admin = bed.kafka.admin();
  await admin.connect();
  try {
    const [ends, groups] = await Promise.all([
      admin.fetchTopicOffsets(bed.topic),
      admin.fetchOffsets({ groupId: CONSUMER_GROUP, topics: [bed.topic] }),
    ]);
    const committed = new Map(groups[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return ends.reduce((sum, { partition, low, high }) => {
      const offset = committed.get(partition) ?? -1;
      return sum + Math.max(0, Number(high) - Math.max(offset, Number(low)));
    }, 0);
  } finally {
    await admin.disconnect();
  }
}

async function countJobs(bed: Testbed): Promise<number> {
  const { redis } = bed;
  const counts = await Promise.all([
    redis.llen('bull:ratings:wait'),
    redis.llen('bull:ratings:active'),
    redis.zcard('bull:ratings:delayed'),
    redis.zcard('bull:ratings:prioritized'),
  ]);
  return counts.reduce((sum, count) => sum + count, 0);
}
