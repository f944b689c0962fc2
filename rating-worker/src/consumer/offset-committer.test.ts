import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import type { OffsetsByTopicPartition } from 'kafkajs';
import { OffsetCommitter } from './offset-committer.js';

let offsets: OffsetCommitter;
let commits: string[];

beforeEach(() => {
  offsets = new OffsetCommitter('reviews', createLogger('test', 'silent'));
  commits = [];
});

const commit = (): Promise<void> =>
  offsets.commit(async ({ topics }: OffsetsByTopicPartition) => {
    for (const { partitions } of topics)
      for (const { partition, offset } of partitions) commits.push(`${partition}:${offset}`);
  });

test('commits what is new, once', async () => {
  const generation = offsets.assign([0, 1]);
  offsets.markDone(0, '41', generation);
  await commit();
  await commit();
  offsets.markDone(0, '42', generation);
  offsets.markDone(1, '7', generation);
  await commit();
  expect(commits).toEqual(['0:42', '0:43', '1:8']);
});

test('commits again what failed', async () => {
  offsets.markDone(0, '41', offsets.assign([0]));
  await offsets.commit(() => Promise.reject(new Error('Kafka is away')));
  await commit();
  expect(commits).toEqual(['0:42']);
});

test('moves no offset back after a generation in which the partition was others’', async () => {
  const first = offsets.assign([0, 1]);
  offsets.markDone(0, '41', first);
  await commit();
  // This process was frozen: another owned the partition, moved it to 100, and gave it back.
  offsets.assign([0, 1]);
  await commit();
  expect(commits).toEqual(['0:42']);
  expect(offsets.positions()).toEqual(
    new Map([
      [0, undefined],
      [1, undefined],
    ]),
  );
});

test('ignores a batch that was fetched in a generation that is over', async () => {
  const first = offsets.assign([0]);
  const second = offsets.assign([0]);
  expect(offsets.markDone(0, '41', first)).toBe(false);
  await commit();
  expect(offsets.markDone(0, '100', second)).toBe(true);
  await commit();
  expect(commits).toEqual(['0:101']);
});
