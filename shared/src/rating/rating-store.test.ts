import { randomUUID } from 'node:crypto';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';
import { ratingKeys } from './rating-keys.js';
import { RatingStore, type ApplyStatus, type RatingAggregate, type RatingChange } from './rating-store.js';

let redis: Redis;
let store: RatingStore;

beforeAll(() => {
  redis = connectRedis();
  store = new RatingStore(redis, { ttlSeconds: 0 });
});

afterAll(() => redis.disconnect());

/** The tag of a product's event; `history` tells apart two timelines in which events have the same number. */
const tagOf = (seq: number, history = 'a'): string => `${history}${String(seq).padStart(7, '0')}`;
const change = (seq: number, previousRating: number | null, rating: number | null, history?: string): RatingChange =>
  ({ seq, eventTag: tagOf(seq, history), previousRating, rating }) as RatingChange;
const deletion = (seq: number, history?: string): RatingChange => ({
  ...{ seq, eventTag: tagOf(seq, history) },
  deleted: true,
});

/** A state, written as in Redis, with the tag of its event where it has none. */
const tagged = (state: string | null): string | null =>
  state === null || /[a-f]\d{7}$/.test(state) ? state : `${state} ${tagOf(Number.parseInt(state))}`;

/** An aggregate, written as its state. */
function aggregate(productId: string, state: string): RatingAggregate {
  const [seq, ...words] = tagged(state)!.split(' ');
  const stars = words.slice(0, 5).map(Number) as [number, number, number, number, number];
  return { productId, seq: Number(seq), stars, eventTag: words[5]! };
}

/** A product whose state is as given; null = no keys. */
async function product(state: string | null): Promise<string> {
  const productId = randomUUID();
  if (state?.includes('deleted')) await redis.set(ratingKeys(productId).state, tagged(state)!);
  else if (state !== null) await store.replace([aggregate(productId, state)]);
  return productId;
}

/** The three keys as expected, the state with its tag. */
const keysWith = ([rating, count, state]: ReadonlyArray<string | null>): Array<string | null> => [
  rating!,
  count!,
  tagged(state!),
];

async function raw(productId: string): Promise<Array<string | null>> {
  const keys = ratingKeys(productId);
  return redis.mget(keys.rating, keys.reviewCount, keys.state);
}

describe('apply', () => {
  test.each<[string, string | null, RatingChange[], ApplyStatus, number, number, Array<string | null>]>([
    ['a creation', '0 0 0 0 0 0', [change(1, null, 5)], 'OK', 1, 0, ['5', '1', '1 0 0 0 0 1']],
    ['an edit', '1 0 0 0 0 1', [change(2, 5, 4)], 'OK', 1, 0, ['4', '1', '2 0 0 0 1 0']],
    ['an edit of the text', '1 0 0 0 0 1', [change(2, 5, 5)], 'OK', 1, 0, ['5', '1', '2 0 0 0 0 1']],
    ['an edit of what does not count', '1 0 0 0 0 1', [change(2, null, null)], 'OK', 1, 0, ['5', '1', '2 0 0 0 0 1']],
    ['the last deletion', '1 0 0 0 0 1', [change(2, 5, null)], 'OK', 1, 0, ['0', '0', '2 0 0 0 0 0']],
    [
      'several',
      '0 0 0 0 0 0',
      [change(1, null, 5), change(2, null, 4), change(3, 5, 3)],
      'OK',
      3,
      0,
      ['3.5', '2', '3 0 0 1 1 0'],
    ],
    ['a repetition', '3 0 0 1 1 0', [change(2, null, 4), change(3, 5, 3)], 'OK', 0, 2, ['3.5', '2', '3 0 0 1 1 0']],
    [
      'a duplicate and the next',
      '1 0 0 0 0 1',
      [change(1, null, 5), change(2, null, 1)],
      'OK',
      1,
      1,
      ['3', '2', '2 1 0 0 0 1'],
    ],
    [
      'a repetition within',
      '0 0 0 0 0 0',
      [change(1, null, 5), change(1, null, 5)],
      'OK',
      1,
      1,
      ['5', '1', '1 0 0 0 0 1'],
    ],
    ['no events', '1 0 0 0 0 1', [], 'OK', 0, 0, ['5', '1', '1 0 0 0 0 1']],
    ['no state', null, [change(1, null, 5)], 'MISSING', 0, 0, [null, null, null]],
    ['a later event without state', null, [change(7, null, 5)], 'MISSING', 0, 0, [null, null, null]],
    ['a gap', '1 0 0 0 0 1', [change(3, null, 5)], 'GAP', 0, 0, ['5', '1', '1 0 0 0 0 1']],
    [
      'a gap after some',
      '1 0 0 0 0 1',
      [change(2, null, 5), change(4, null, 5)],
      'GAP',
      1,
      0,
      ['5', '2', '2 0 0 0 0 2'],
    ],
    ['what was never there taken away', '1 0 0 0 0 1', [change(2, 3, 4)], 'BROKEN', 0, 0, ['5', '1', '1 0 0 0 0 1']],
    ['broken after some', '1 0 0 0 0 1', [change(2, 5, 1), change(3, 5, 1)], 'BROKEN', 1, 0, ['1', '1', '2 1 0 0 0 0']],
    ['a deletion', '1 0 0 0 0 1', [deletion(2)], 'OK', 1, 0, [null, null, '2 deleted']],
    ['a deletion without state', null, [deletion(9)], 'OK', 1, 0, [null, null, '9 deleted']],
    ['a deletion over a gap', '1 0 0 0 0 1', [deletion(9)], 'OK', 1, 0, [null, null, '9 deleted']],
    ['a deletion that is a duplicate', '9 0 0 0 0 1', [deletion(9)], 'OK', 0, 1, ['5', '1', '9 0 0 0 0 1']],
    [
      'a deletion behind a gap',
      '1 0 0 0 0 1',
      [change(4, 5, 4), change(5, 4, 3), deletion(6)],
      'OK',
      1,
      2,
      [null, null, '6 deleted'],
    ],
    [
      'a deletion behind a missing state',
      null,
      [change(4, null, 4), deletion(5)],
      'OK',
      1,
      1,
      [null, null, '5 deleted'],
    ],
    [
      'a deletion behind a broken one',
      '1 0 0 0 0 1',
      [change(2, 1, 4), deletion(3)],
      'OK',
      1,
      1,
      [null, null, '3 deleted'],
    ],
    [
      'another event of the same number',
      '2 0 0 0 0 1',
      [change(2, null, 3, 'b')],
      'FORK',
      0,
      0,
      ['5', '1', '2 0 0 0 0 1'],
    ],
    [
      'another history, from a lower number on',
      '2 0 0 0 0 1',
      [change(1, null, 3, 'b'), change(2, null, 3, 'b'), change(3, null, 3, 'b')],
      'FORK',
      0,
      1,
      ['5', '1', '2 0 0 0 0 1'],
    ],
    [
      'two histories, one after the other',
      '1 0 0 0 0 1',
      [change(2, null, 5), change(2, null, 3, 'b'), change(3, null, 3, 'b')],
      'FORK',
      1,
      0,
      ['5', '2', '2 0 0 0 0 2'],
    ],
    [
      'a deletion behind another history',
      '2 0 0 0 0 1',
      [change(2, null, 3, 'b'), deletion(3, 'b')],
      'OK',
      1,
      1,
      [null, null, '3 deleted b0000003'],
    ],
    ['another event, a deletion', '2 0 0 0 0 1', [deletion(2, 'b')], 'FORK', 0, 0, ['5', '1', '2 0 0 0 0 1']],
    [
      'another event than the deletion',
      '9 deleted',
      [change(9, null, 5, 'b')],
      'FORK',
      0,
      0,
      [null, null, '9 deleted'],
    ],
    ['another deletion', '9 deleted', [deletion(9, 'b')], 'OK', 0, 1, [null, null, '9 deleted']],
    ['a late event after the deletion', '9 deleted', [change(8, null, 5)], 'OK', 0, 1, [null, null, '9 deleted']],
    [
      'a newer event after the deletion',
      '9 deleted',
      [change(10, null, 5)],
      'MISSING',
      0,
      0,
      [null, null, '9 deleted'],
    ],
    [
      'events around the deletion',
      '1 0 0 0 0 1',
      [change(2, null, 5), deletion(3), change(4, null, 5)],
      'MISSING',
      2,
      0,
      [null, null, '3 deleted'],
    ],
  ])('%s', async (_, state, changes, status, applied, duplicates, keys) => {
    const productId = await product(state);
    expect(await store.apply([{ productId, changes }])).toEqual([{ productId, status, applied, duplicates }]);
    expect(await raw(productId)).toEqual(keysWith(keys));
  });

  test('answers for each product, and one that stops does not stop the others', async () => {
    const ids = [
      await product('1 0 0 0 0 1'),
      await product(null),
      await product('5 0 0 0 0 1'),
      await product('1 0 0 0 0 1'),
    ];
    const changes = [change(2, null, 1)];
    const results = await store.apply(ids.map((productId) => ({ productId, changes })));
    expect(results.map(({ status }) => status)).toEqual(['OK', 'MISSING', 'OK', 'OK']);
    expect(results.map(({ applied }) => applied)).toEqual([1, 0, 0, 1]);
  });

  test.each([
    'abc',
    '',
    'NaN',
    '1 0 0 0 0 1',
    '1 0 0 0 0 1 A0000001',
    '1 0 0 0 0 1 a00000011',
    '1 -1 0 0 0 0 a0000001',
    '99999999999 0 0 0 0 1 a0000001',
    '2147483648 0 0 0 0 1 a0000001',
    '2147483648 deleted a0000001',
    '1 deleted',
  ])('takes the corrupt state %j as missing', async (corrupt) => {
    const productId = await product('1 0 0 0 0 1');
    await redis.set(ratingKeys(productId).state, corrupt);
    expect((await store.apply([{ productId, changes: [change(2, null, 1)] }]))[0]!.status).toBe('MISSING');
  });

  test('takes a state of another type as missing, and overwrites it on replace', async () => {
    const productId = randomUUID();
    const keys = ratingKeys(productId);
    for (const key of [keys.rating, keys.reviewCount, keys.state]) await redis.lpush(key, 'x');
    expect((await store.apply([{ productId, changes: [change(2, null, 1)] }]))[0]!.status).toBe('MISSING');
    expect(await store.getMany([productId])).toEqual([null]);
    await store.replace([aggregate(productId, '2 1 0 0 0 0')]);
    expect(await raw(productId)).toEqual(keysWith(['1', '1', '2 1 0 0 0 0']));
  });

  test('works after SCRIPT FLUSH', async () => {
    const productId = await product('1 0 0 0 0 1');
    await redis.script('FLUSH');
    expect((await store.apply([{ productId, changes: [change(2, null, 1)] }]))[0]!.status).toBe('OK');
  });
});

describe('replace', () => {
  test.each<[string, string | null, string, 'WRITTEN' | 'NEWER', Array<string | null>]>([
    ['nothing', null, '3 0 0 0 0 2', 'WRITTEN', ['5', '2', '3 0 0 0 0 2']],
    ['an older state', '2 1 0 0 0 0', '3 0 0 0 0 2', 'WRITTEN', ['5', '2', '3 0 0 0 0 2']],
    ['other content of the same number', '3 1 0 0 0 0', '3 0 0 0 0 2', 'WRITTEN', ['5', '2', '3 0 0 0 0 2']],
    [
      'another history with the same number',
      '3 1 0 0 0 0',
      '3 0 0 0 0 2 b0000003',
      'WRITTEN',
      ['5', '2', '3 0 0 0 0 2 b0000003'],
    ],
    ['a newer state', '4 1 0 0 0 0', '3 0 0 0 0 2', 'NEWER', ['1', '1', '4 1 0 0 0 0']],
    ['an older tombstone', '2 deleted', '3 0 0 0 0 2', 'WRITTEN', ['5', '2', '3 0 0 0 0 2']],
    ['a tombstone of the same number', '3 deleted', '3 0 0 0 0 2', 'NEWER', [null, null, '3 deleted']],
    ['a newer tombstone', '4 deleted', '3 0 0 0 0 2', 'NEWER', [null, null, '4 deleted']],
    ['a product without reviews', null, '0 0 0 0 0 0', 'WRITTEN', ['0', '0', '0 0 0 0 0 0']],
  ])('over %s', async (_, state, snapshot, answer, keys) => {
    const productId = await product(state);
    expect(await store.replace([aggregate(productId, snapshot)])).toEqual([answer]);
    expect(await raw(productId)).toEqual(keysWith(keys));
  });

  test('repairs a lost and a corrupt public key from the newer state', async () => {
    const productId = await product('4 1 0 0 0 1');
    const keys = ratingKeys(productId);
    await redis.del(keys.rating);
    await redis.set(keys.reviewCount, '99');
    const state = aggregate(productId, '4 1 0 0 0 1');
    expect(await store.getMany([productId])).toEqual([{ seq: 4, stars: state.stars, eventTag: state.eventTag }]);
    expect((await store.inspectMany([productId]))[0]!.kind).toBe('CORRUPT');
    expect(await store.replace([aggregate(productId, '3 0 0 0 0 9')])).toEqual(['NEWER']);
    expect(await raw(productId)).toEqual(keysWith(['3', '2', '4 1 0 0 0 1']));
  });

  test('refuses a malformed snapshot before it writes anything', async () => {
    const [good, bad] = [randomUUID(), randomUUID()];
    const snapshots = [aggregate(good, '1 1 0 0 0 0'), aggregate(bad, '1 -1 0 0 0 0')];
    await expect(store.replace(snapshots)).rejects.toThrow('not a rating aggregate');
    expect(await raw(good)).toEqual([null, null, null]);
  });
});

describe('getMany', () => {
  test('answers in the order of the ids, with null for misses', async () => {
    const [a, b, c] = [await product('1 0 0 0 0 1'), await product(null), await product('4 1 0 0 0 0')];
    expect(await store.getMany([c, b, a])).toEqual([
      { seq: 4, stars: [1, 0, 0, 0, 0], eventTag: tagOf(4) },
      null,
      { seq: 1, stars: [0, 0, 0, 0, 1], eventTag: tagOf(1) },
    ]);
  });

  test('is one command', async () => {
    const ids = await Promise.all(Array.from({ length: 100 }, () => product('1 0 0 0 0 1')));
    const before = await commandCount();
    expect(await store.getMany(ids)).not.toContain(null);
    // INFO itself counts once.
    expect((await commandCount()) - before).toBe(2);
  });
});

test('takes any number of products in a call, also more than a script can', async () => {
  const ids = Array.from({ length: 9_000 }, () => randomUUID());
  const aggregates = ids.map((productId, i) => ({
    productId,
    seq: i + 1,
    eventTag: tagOf(i + 1),
    stars: [0, 0, 0, 0, 1] as const,
  }));
  expect(new Set(await store.replace(aggregates))).toEqual(new Set(['WRITTEN']));
  const results = await store.apply(ids.map((productId, i) => ({ productId, changes: [change(i + 2, null, 1)] })));
  expect(results.map(({ productId, status }) => [productId, status])).toEqual(ids.map((id) => [id, 'OK']));
  expect((await store.getMany(ids)).map((state) => state?.seq)).toEqual(ids.map((_, i) => i + 2));
  await store.delete(ids);
  expect(new Set((await store.inspectMany(ids)).map(({ kind }) => kind))).toEqual(new Set(['ABSENT']));
});

test('forgets all keys of a product and no other', async () => {
  const [gone, stays] = [await product('1 0 0 0 0 1'), await product('1 0 0 0 0 1')];
  await store.delete([gone]);
  await store.delete([]);
  expect(await redis.keys(`product:${gone}:*`)).toEqual([]);
  expect(await raw(stays)).toEqual(keysWith(['5', '1', '1 0 0 0 0 1']));
});

describe('expiry', () => {
  test('is one and the same for the three keys, renewed by every write', async () => {
    const expiring = new RatingStore(redis, { ttlSeconds: 1_000 });
    const productId = await product('1 0 0 0 0 1');
    const keys = Object.values(ratingKeys(productId)) as string[];
    expect(await Promise.all(keys.map((key) => redis.ttl(key)))).toEqual([-1, -1, -1]);
    await expiring.apply([{ productId, changes: [change(2, null, 1)] }]);
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(900);
    // One script, so that the three are read at one time (PEXPIRETIME came with Redis 7).
    const read = `local left = {} for i, key in ipairs(KEYS) do left[i] = redis.call('PTTL', key) end return left`;
    const left = (await redis.eval(read, keys.length, keys)) as number[];
    expect(Math.max(...left) - Math.min(...left)).toBeLessThanOrEqual(1);
    await store.replace([aggregate(productId, '2 1 0 0 0 1')]);
    expect(await Promise.all(keys.map((key) => redis.ttl(key)))).toEqual([-1, -1, -1]);
  });

  test('of a tombstone is a day', async () => {
    const productId = await product('1 0 0 0 0 1');
    await store.apply([{ productId, changes: [deletion(2)] }]);
    const ttl = await redis.ttl(ratingKeys(productId).state);
    expect(ttl).toBeGreaterThan(86_000);
    expect(ttl).toBeLessThanOrEqual(86_400);
  });
});

async function commandCount(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1]);
}
