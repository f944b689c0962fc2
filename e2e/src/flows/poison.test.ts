import { randomUUID } from 'node:crypto';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { readDeadLetters } from '../checks/dead-letters.js';
import { formatDeviations, waitForSteadyState } from '../checks/steady-state.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';
import { sumOverWorkers } from '../checks/worker-metrics.js';

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ name: 'e2e-poison' });
}, 180_000);

afterAll(async () => {
  await bed?.close();
}, 90_000);

const KNOWN = randomUUID();

function event(changes: Record<string, unknown>): Record<string, unknown> {
  return {
    eventId: randomUUID(),
    type: 'review-created',
    schemaVersion: 1,
    productId: KNOWN,
    reviewId: randomUUID(),
    seq: 1,
    previousRating: null,
    rating: 5,
    occurredAt: '2026-01-02T03:04:05.678901Z',
    ...changes,
  };
}

/** The largest value that the topic's max.message.bytes (1,048,588) leaves room for. */
const HUGE = Buffer.alloc(1_048_588 - 150, 'x');

const POISON: ReadonlyArray<{ what: string; key: string | null; value: Buffer | null; reason: RegExp }> = [
  { what: 'not JSON', key: KNOWN, value: Buffer.from('{"seq": 1'), reason: /not JSON/ },
  { what: 'JSON, but no object', key: KNOWN, value: Buffer.from('[1, 2]'), reason: /not a JSON object/ },
  { what: 'a null value', key: KNOWN, value: null, reason: /null/ },
  { what: 'bytes that are no text', key: KNOWN, value: Buffer.from([0xff, 0xfe, 0x00, 0x80]), reason: /not JSON/ },
  { what: 'no key', key: null, value: json({}), reason: /key/ },
  { what: 'a key that is not the productId', key: randomUUID(), value: json({}), reason: /key/ },
  { what: 'an unknown type', key: KNOWN, value: json({ type: 'review-liked' }), reason: /type/ },
  { what: 'an unknown version', key: KNOWN, value: json({ schemaVersion: 2 }), reason: /schemaVersion/ },
  { what: 'seq 0', key: KNOWN, value: json({ seq: 0 }), reason: /seq/ },
  { what: 'a negative seq', key: KNOWN, value: json({ seq: -1 }), reason: /seq/ },
  { what: 'a fractional seq', key: KNOWN, value: json({ seq: 1.5 }), reason: /seq/ },
  { what: 'seq above 2^31', key: KNOWN, value: json({ seq: 2 ** 31 }), reason: /seq/ },
  { what: 'seq as text', key: KNOWN, value: json({ seq: '1' }), reason: /seq/ },
  { what: 'rating 0', key: KNOWN, value: json({ rating: 0 }), reason: /rating/ },
  { what: 'rating 6', key: KNOWN, value: json({ rating: 6 }), reason: /rating/ },
  { what: 'previousRating 4.5', key: KNOWN, value: json({ previousRating: 4.5 }), reason: /previousRating/ },
  { what: 'a deletion with a rating', key: KNOWN, value: json({ type: 'product-deleted' }), reason: /null/ },
  { what: 'a message as large as the topic allows', key: KNOWN, value: HUGE, reason: /not JSON/ },
];

function json(changes: Record<string, unknown>): Buffer {
  return Buffer.from(JSON.stringify(event(changes)));
}

test('what breaks the contract goes to the dead letters, with the reason and the original bytes; what follows is applied', async () => {
  const [productId] = await createProducts(bed, 1, 'Sound');
  const author = await bed.client({ subject: 'grace' });
  const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (const { key, value } of POISON) {
    await producer.send({ topic: bed.topic, messages: [{ key, value, headers: { 'e2e-header': 'kept' } }] });
    await author.CreateReview({ input: { productId: productId!, rating: 4 } });
  }
  await producer.disconnect();

  const letters = await readDeadLetters(bed, POISON.length);
  expect(letters).toHaveLength(POISON.length);
  for (const { what, key, value, reason } of POISON) {
    const letter = letters.find(
      (one) => (one.value?.equals(value ?? Buffer.of()) ?? value === null) && (one.key?.toString() ?? null) === key,
    );
    if (letter === undefined) throw new Error(`no dead letter holds: ${what}`);
    const headers = Object.fromEntries(
      Object.entries(letter.headers ?? {}).map(([name, header]) => [name, String(header)]),
    );
    expect({ what, headers }).toEqual({
      what,
      headers: {
        'e2e-header': 'kept',
        'dead-letter-reason': expect.stringMatching(reason) as string,
        'dead-letter-source-topic': bed.topic,
        'dead-letter-source-partition': expect.stringMatching(/^\d+$/) as string,
        'dead-letter-source-offset': expect.stringMatching(/^\d+$/) as string,
        'dead-letter-source-timestamp': expect.stringMatching(/^\d+$/) as string,
      },
    });
  }
  expect(await sumOverWorkers(bed, 'rating_dead_letters_total')).toBe(POISON.length);
  expect(bed.system.workers[0]!.restarts).toBe(0);
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  expect(await bed.redis.mget(`product:${productId}:rating`, `product:${productId}:reviewCount`)).toEqual(['4', '1']);
}, 120_000);

test('an event of an unknown product is dropped and makes no key', async () => {
  const productId = randomUUID();
  const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const value = JSON.stringify(event({ productId, seq: 7, previousRating: 1, rating: 2 }));
  await producer.send({ topic: bed.topic, messages: [{ key: productId, value }] });
  await producer.disconnect();
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  expect(await bed.redis.keys(`product:${productId}:*`)).toEqual([]);
  expect(await sumOverWorkers(bed, 'rating_dead_letters_total')).toBe(POISON.length);
}, 60_000);

test('keys that hold something else are a miss, and are rebuilt', async () => {
  const ids = await createProducts(bed, 6, 'Corrupt');
  const author = await bed.client({ subject: 'heidi' });
  for (const productId of ids) await author.CreateReview({ input: { productId, rating: 2 } });
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
  const [text, nan, negative, half, list, state] = ids as [string, string, string, string, string, string];
  await bed.redis.set(`product:${text}:rating`, 'abc');
  await bed.redis.set(`product:${nan}:rating`, 'NaN');
  await bed.redis.set(`product:${negative}:reviewCount`, '-1');
  await bed.redis.del(`product:${half}:reviewCount`);
  await bed.redis.del(`product:${list}:rating`);
  await bed.redis.lpush(`product:${list}:rating`, 'a', 'list');
  await bed.redis.set(`product:${state}:ratingState`, '1 0 -1 0 0 0 0a1b2c3d');
  for (const id of ids) {
    expect((await author.Product({ id })).product).toMatchObject({ averageRating: 2, reviewCount: 1 });
  }
  const rebuilt = await waitUntil(async () => (await bed.store.getMany(ids)).every((one) => one !== null), {
    timeoutMs: 10_000,
  });
  expect(rebuilt).toBe(true);
  expect(formatDeviations(await waitForSteadyState(bed))).toEqual([]);
}, 60_000);
