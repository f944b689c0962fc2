import type { Closing } from './outbox-horizon.js';
import type { OutboxRow } from './outbox-table.js';
import { publishBatches, type PublicationSteps } from './publish-batches.js';

const row = (position: number): OutboxRow => ({ position: String(position), aggregateid: 'product', payload: '{}' });
const closing = (xid: number): Closing => ({ snapshot: { xmax: xid, running: new Set() }, xid });

/** Batches of two rows; what happens is written down, and Kafka acknowledges when the test says so. */
function createSteps(batches: OutboxRow[][], answers: ReadonlyArray<boolean | Error> = []) {
  const log: string[] = [];
  const acknowledgements: Array<() => void> = [];
  let published = 0;
  let removals = 0;
  let held = false;
  const positions = (rows: readonly OutboxRow[]): string => rows.map(({ position }) => position).join(' ');
  const steps: PublicationSteps = {
    batchRows: 2,
    maxBatches: 3,
    read: async () => {
      log.push('read');
      return batches.shift() ?? [];
    },
    publish: async (batch) => {
      log.push(`publish ${positions(batch)}`);
      const answer = answers[published++] ?? true;
      if (held) await new Promise<void>((resolve) => acknowledgements.push(resolve));
      if (answer instanceof Error) throw answer;
      return answer;
    },
    remove: async (rows, options) => {
      log.push(`remove ${positions(rows)}${options?.commit === true ? ', commit' : ''}`);
      return closing((removals += 1));
    },
    hasTime: () => true,
  };
  return { log, steps, acknowledgements, hold: () => (held = true) };
}

test('while Kafka has a batch, the next one is read and the one before is deleted', async () => {
  const { log, steps, acknowledgements, hold } = createSteps([[row(3), row(4)], [row(5)]]);
  hold();
  const publication = publishBatches([row(1), row(2)], steps);
  for (const seen of [
    ['read', 'publish 1 2'],
    ['read', 'publish 1 2', 'remove 1 2', 'read', 'publish 3 4'],
    ['read', 'publish 1 2', 'remove 1 2', 'read', 'publish 3 4', 'remove 3 4', 'publish 5'],
  ]) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(seen);
    acknowledgements.shift()!();
  }
  expect(await publication).toEqual({
    outcome: 'PUBLISHED_ALL',
    failure: undefined,
    publishedBelow: Infinity,
    closing: closing(1),
  });
  expect(log.at(-1)).toBe('remove 5, commit');
});

test('a transaction has so many batches; the rest is left to the next one', async () => {
  const { log, steps } = createSteps([
    [row(3), row(4)],
    [row(5), row(6)],
    [row(7), row(8)],
  ]);
  const publication = await publishBatches([row(1), row(2)], steps);
  expect(publication).toMatchObject({ outcome: 'PUBLISHED_FULL_BATCH', publishedBelow: 7 });
  expect(log.slice(-2)).toEqual(['publish 5 6', 'remove 5 6, commit']);
});

test('without time it ends after the batch under way', async () => {
  const { log, steps } = createSteps([[row(3), row(4)]]);
  const publication = await publishBatches([row(1), row(2)], { ...steps, hasTime: () => false });
  expect(publication).toMatchObject({ outcome: 'PUBLISHED_FULL_BATCH', publishedBelow: 3 });
  expect(log.slice(-2)).toEqual(['publish 1 2', 'remove 1 2, commit']);
});

test.each([
  ['refuses', false, undefined],
  ['does not acknowledge', new Error('no broker'), new Error('no broker')],
])('where Kafka %s a batch, those before it are deleted', async (_what, answer, failure) => {
  const { log, steps } = createSteps([[row(3), row(4)]], [true, answer]);
  const publication = await publishBatches([row(1), row(2)], steps);
  expect(publication).toEqual({ outcome: 'BATCH_REFUSED', failure, publishedBelow: 3, closing: closing(1) });
  expect(log.slice(-2)).toEqual(['publish 3 4', 'remove , commit']);
  expect(log).toContain('remove 1 2');
});

test('where the first batch fails, nothing from its first row on counts as published', async () => {
  const { steps } = createSteps([], [false]);
  expect(await publishBatches([row(11), row(12)], steps)).toMatchObject({ publishedBelow: 11 });
});

test('an error of PostgreSQL in a read or a deletion is thrown', async () => {
  const fails = () => Promise.reject(new Error('terminating connection'));
  const of = (replaced: Partial<PublicationSteps>) =>
    publishBatches([row(1), row(2)], { ...createSteps([[row(3)]]).steps, ...replaced });
  await expect(of({ read: fails })).rejects.toThrow('terminating connection');
  await expect(of({ remove: fails })).rejects.toThrow('terminating connection');
});
