import { SharedRead } from './shared-read.js';

/** Reads that a test finishes by hand. */
function createReads() {
  const reads: Array<{ resolve: (value: number) => void; reject: (error: Error) => void }> = [];
  const shared = new SharedRead<number>(() => new Promise((resolve, reject) => reads.push({ resolve, reject })));
  return { reads, shared };
}

test('who asks while a read runs shares it; who asks afterwards has a new one', async () => {
  const { reads, shared } = createReads();
  const first = [shared.get(), shared.get()];
  expect(reads).toHaveLength(1);
  reads[0]!.resolve(7);
  expect(await Promise.all(first)).toEqual([7, 7]);
  const second = shared.get();
  reads[1]!.resolve(8);
  expect(await second).toBe(8);
});

test('after a write nobody joins the read that began before it', async () => {
  const { reads, shared } = createReads();
  const before = shared.get();
  shared.invalidate();
  const after = [shared.get(), shared.get()];
  expect(reads).toHaveLength(2);
  reads[0]!.resolve(7);
  expect(await before).toBe(7);
  after.push(shared.get());
  expect(reads).toHaveLength(2);
  reads[1]!.resolve(8);
  expect(await Promise.all(after)).toEqual([8, 8, 8]);
});

test('a failure reaches those who waited, and no one else', async () => {
  const { reads, shared } = createReads();
  const failing = shared.get();
  reads[0]!.reject(new Error('PostgreSQL is away'));
  await expect(failing).rejects.toThrow('away');
  const next = shared.get();
  reads[1]!.resolve(7);
  expect(await next).toBe(7);
});
