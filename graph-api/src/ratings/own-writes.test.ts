import type { Viewer } from '../auth/viewer.js';
import { OwnWrites } from './own-writes.js';

const ADA: Viewer = { issuer: 'shop', subject: 'ada', displayName: 'Ada', isAdmin: false };
const KEPT_MS = 1_000;

let now = 0;
let writes: OwnWrites;

beforeEach(() => {
  now = 5_000;
  writes = new OwnWrites(KEPT_MS, () => now);
});

/** The version that a read of this caller takes, 0 where none is remembered. */
const versionOf = (viewer: Viewer, product: string): number =>
  Math.max(0, ...writes.versionsOf(viewer).map((versions) => versions.get(product) ?? 0));

test('a write is known to its caller, for its product, whatever else the token says', () => {
  writes.record(ADA, 'kettle', 3);
  expect(versionOf({ ...ADA, displayName: 'A.', isAdmin: true }, 'kettle')).toBe(3);
  expect(versionOf(ADA, 'lamp')).toBe(0);
  expect(writes.versionsOf({ ...ADA, subject: 'eve' })).toEqual([]);
  expect(writes.versionsOf({ ...ADA, issuer: 'other' })).toEqual([]);
  expect(writes.versionsOf({ ...ADA, issuer: '', subject: 'shopada' })).toEqual([]);
});

test('of several writes the newest counts, in whatever order they are told, also across generations', () => {
  writes.record(ADA, 'kettle', 7);
  writes.record(ADA, 'kettle', 6);
  expect(versionOf(ADA, 'kettle')).toBe(7);
  now += KEPT_MS;
  writes.record(ADA, 'kettle', 5);
  expect(versionOf(ADA, 'kettle')).toBe(7);
});

test.each([0, 1, KEPT_MS / 2, KEPT_MS - 1])(
  'a write %i ms after the beginning of a generation is remembered for its time, and at most for twice that',
  (offset) => {
    now += offset;
    writes.record(ADA, 'kettle', 3);
    const writtenAt = now;
    // Others write and read all the time, so that generations change.
    for (; now <= writtenAt + KEPT_MS; now += 50) {
      writes.record({ ...ADA, subject: 'eve' }, 'kettle', 9);
      expect(versionOf(ADA, 'kettle')).toBe(3);
    }
    for (; now <= writtenAt + 2 * KEPT_MS + 50; now += 50) writes.versionsOf(ADA);
    expect(writes.versionsOf(ADA)).toEqual([]);
  },
);

test('after an idle time nothing is left', () => {
  writes.record(ADA, 'kettle', 3);
  now += 2 * KEPT_MS;
  expect(writes.versionsOf(ADA)).toEqual([]);
});

test('where more is written than is kept, the oldest is forgotten, and memory stays bounded', () => {
  writes = new OwnWrites(KEPT_MS, () => now, 10);
  for (let i = 1; i <= 1_000; i += 1) {
    writes.record({ ...ADA, subject: `caller ${i}` }, 'kettle', i);
    for (let last = i; last > Math.max(0, i - 10); last -= 1) {
      expect(versionOf({ ...ADA, subject: `caller ${last}` }, 'kettle')).toBe(last);
    }
  }
  const remembered = Array.from({ length: 1_000 }, (_, i) =>
    versionOf({ ...ADA, subject: `caller ${i + 1}` }, 'kettle'),
  );
  expect(remembered.filter((version) => version > 0).length).toBeLessThanOrEqual(20);
});
