import { SingleFlight } from './single-flight.js';

/** Reads that a test finishes by hand. */
function createReads() {
  const reads: Array<{ keys: readonly string[]; finish: (error?: Error) => void }> = [];
  const flights = new SingleFlight<string, string>(
    (keys) =>
      new Promise((resolve, reject) => {
        reads.push({
          keys,
          finish: (error) =>
            error === undefined
              ? resolve(new Map(keys.filter((key) => key !== 'missing').map((key) => [key, `value of ${key}`])))
              : reject(error),
        });
      }),
  );
  return { flights, reads };
}

test('a key that is being read is not read once more; the others of the call are', async () => {
  const { flights, reads } = createReads();
  const first = flights.load(['a', 'b', 'a']);
  const second = flights.load(['b', 'c']);
  expect(reads.map(({ keys }) => keys)).toEqual([['a', 'b'], ['c']]);

  reads.forEach(({ finish }) => finish());
  expect(await first).toEqual(new Map([['a', 'value of a'], ['b', 'value of b']])); // prettier-ignore
  expect(await second).toEqual(new Map([['b', 'value of b'], ['c', 'value of c']])); // prettier-ignore
});

test('nothing is kept: the next call reads again', async () => {
  const { flights, reads } = createReads();
  const first = flights.load(['a']);
  reads[0]!.finish();
  await first;
  const second = flights.load(['a']);
  expect(reads).toHaveLength(2);
  reads[1]!.finish();
  await second;
});

test('a key that does not exist is absent', async () => {
  const { flights, reads } = createReads();
  const values = flights.load(['missing', 'a']);
  reads[0]!.finish();
  expect([...(await values).keys()]).toEqual(['a']);
});

test('a failure reaches all who waited, and the next call reads again', async () => {
  const { flights, reads } = createReads();
  const waiting = [flights.load(['a']), flights.load(['a'])];
  reads[0]!.finish(new Error('PostgreSQL is away'));
  expect(await Promise.allSettled(waiting)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);

  const again = flights.load(['a']);
  reads[1]!.finish();
  expect([...(await again).keys()]).toEqual(['a']);
});
