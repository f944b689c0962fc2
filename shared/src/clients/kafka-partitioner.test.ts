import fc from 'fast-check';
import { Partitioners, type PartitionMetadata } from 'kafkajs';
import { createPartitioner } from './kafka-partitioner.js';

const partitions = (count: number): PartitionMetadata[] =>
  Array.from({ length: count }, (_, partitionId) => ({
    partitionId,
    leader: 1,
    partitionErrorCode: 0,
    replicas: [1],
    isr: [1],
  }));

const ours = createPartitioner();
const byDefault = Partitioners.DefaultPartitioner();

test("the partition of a key is that of kafkajs's partitioner, which is that of Kafka's Java client", () => {
  const keys = fc.oneof(fc.uuid(), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }));
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 1_000 }), (key, count) => {
      const args = { topic: 'events', partitionMetadata: partitions(count), message: { key, value: '' } };
      expect(ours(args)).toBe(byDefault(args));
    }),
    { numRuns: 3_000 },
  );
});

test('messages without a key are left to the default', () => {
  const args = { topic: 'events', partitionMetadata: partitions(3), message: { value: '' } };
  expect([0, 1, 2]).toContain(ours(args));
});
