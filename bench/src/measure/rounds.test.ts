import { interleave } from './rounds.js';

const variant = <Name extends string>(name: Name, log: string[]) => ({
  name,
  measure: async () => {
    log.push(name);
    return log.length;
  },
});

test('every round measures all variants and begins with another one', async () => {
  const log: string[] = [];
  const results = await interleave(3, [variant('a', log), variant('b', log)], { signal: new AbortController().signal });
  expect(log).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  expect(results).toEqual({ a: [1, 4, 5], b: [2, 3, 6] });
});

test('no further variant begins after an abort', async () => {
  const log: string[] = [];
  const stopping = new AbortController();
  const first = {
    name: 'first',
    measure: async () => {
      stopping.abort(new Error('stopped'));
      return 0;
    },
  };
  await expect(interleave(2, [first, variant('a', log)], { signal: stopping.signal })).rejects.toThrow('stopped');
  expect(log).toEqual([]);
});
