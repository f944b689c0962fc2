import { readFileSync } from 'node:fs';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';

/** The averages of all sums that `count` reviews can have, written by the script's own function. */
const AVERAGES = `${readFileSync(new URL('../../lua/include/rating-state.lua', import.meta.url), 'utf8')}
local texts = {}
for count = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  for sum = count, 5 * count do texts[#texts + 1] = shortest(sum / count) end
end
return table.concat(texts, ' ')`;

const SINGLE = `${readFileSync(new URL('../../lua/include/rating-state.lua', import.meta.url), 'utf8')}
local texts = {}
for i = 1, #ARGV, 2 do texts[#texts + 1] = shortest(tonumber(ARGV[i]) / tonumber(ARGV[i + 1])) end
return texts`;

let redis: Redis;

beforeAll(() => {
  redis = connectRedis();
});

afterAll(() => redis.disconnect());

test('writes every average of up to 400 reviews as JavaScript does', async () => {
  let compared = 0;
  for (let first = 1; first <= 400; first += 50) {
    const expected: string[] = [];
    for (let count = first; count < first + 50; count += 1) {
      for (let sum = count; sum <= 5 * count; sum += 1) expected.push(String(sum / count));
    }
    const written = (await redis.eval(AVERAGES, 0, first, first + 49)) as string;
    // Compared as one text: expect() of hundreds of thousands of strings takes minutes.
    if (written !== expected.join(' ')) expect(written.split(' ')).toEqual(expected);
    compared += expected.length;
  }
  expect(compared).toBe(321_200);
}, 30_000);

test('writes averages of large counts as JavaScript does', async () => {
  const fractions: Array<[sum: number, count: number]> = [];
  for (let i = 0; i < 20_000; i += 1) {
    const count = 1 + Math.floor(Math.random() * 2 ** (1 + Math.random() * 49));
    fractions.push([count + Math.floor(Math.random() * 4 * count), count]);
  }
  for (let i = 0; i < fractions.length; i += 1_000) {
    const chunk = fractions.slice(i, i + 1_000);
    const written = await redis.eval(SINGLE, 0, ...chunk.flat());
    expect(written).toEqual(chunk.map(([sum, count]) => String(sum / count)));
  }
});
