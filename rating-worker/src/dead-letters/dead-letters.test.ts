import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Message } from 'kafkajs';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { expectExact, readLag, readTopic, relay, send, takeEvents } from '../testing/test-data.js';
import {
  createPipeline,
  createTopics,
  openTestServers,
  startWorker,
  stopWorkers,
  type TestPipeline,
  type TestServers,
} from '../testing/test-servers.js';
import { DeadLetterTopic, type DeadLetter } from './dead-letter-topic.js';

const COMMAND = fileURLToPath(new URL('../../dist/commands/cli.js', import.meta.url));
const run = promisify(execFile);
let servers: TestServers;

beforeAll(async () => {
  servers = await openTestServers();
}, 180_000);
afterEach(async () => {
  await stopWorkers();
  await servers.pool.query('DELETE FROM outbox');
});
afterAll(() => servers?.stop());

describe('the worker', () => {
  test('puts poison messages into the dead letters, byte for byte, and goes on', async () => {
    const { pool, redis, kafka } = servers;
    const pipeline = await createPipeline(servers, { partitions: 1 });
    const { worker, metric, fatal } = await startWorker(pipeline);
    const products = await insertProducts(pool, 3);
    await insertReviews(pool, products, 2);
    const good = await takeEvents(pool);
    const event = JSON.parse(String(good[0]!.value)) as Record<string, unknown>;
    const key = String(good[0]!.key);
    const changed = (fields: object): Message => ({ key, value: JSON.stringify({ ...event, ...fields }) });
    const poison: Array<[Message, RegExp]> = [
      [{ key, value: 'not JSON {' }, /not JSON/],
      [{ key, value: null }, /null/],
      [{ key: null, value: JSON.stringify(event) }, /key/],
      [{ key: randomUUID(), value: JSON.stringify(event) }, /key/],
      [changed({ type: 'review-voted' }), /type/],
      [changed({ schemaVersion: 2 }), /schemaVersion/],
      [changed({ seq: 0 }), /seq/],
      [changed({ seq: -1 }), /seq/],
      [changed({ seq: 1.5 }), /seq/],
      [changed({ seq: 2 ** 31 }), /seq/],
      [changed({ rating: 6 }), /rating/],
      [changed({ rating: 0 }), /rating/],
      [{ key: Buffer.from([0, 255, 1]), value: Buffer.from([0xff, 0xfe, 0]), headers: { from: 'a test' } }, /JSON/],
      [{ key, value: 'x'.repeat(900_000) }, /JSON/],
    ];
    const mixed = good
      .slice(1)
      .flatMap((message, i) => [message, ...poison.slice(i * 3, i * 3 + 3).map(([bad]) => bad)]);
    await send(kafka, pipeline.topic, [good[0]!, ...mixed]);
    expect(mixed.filter((message) => !good.includes(message))).toHaveLength(poison.length);

    const letters = await readTopic(kafka, `${pipeline.topic}.dead-letters`, poison.length);
    expect(letters).toHaveLength(poison.length);
    letters.forEach(({ key: letterKey, value, headers }, i) => {
      const [{ key: originalKey, value: original }, reason] = poison[i]!;
      expect(letterKey).toEqual(originalKey === null ? null : Buffer.from(originalKey!));
      expect(value?.equals(Buffer.from(original!)) ?? null).toEqual(original === null ? null : true);
      expect(headers['dead-letter-reason']).toMatch(reason);
      expect(headers['dead-letter-source-topic']).toBe(pipeline.topic);
      expect(headers['dead-letter-source-partition']).toBe('0');
      expect(Number(headers['dead-letter-source-offset'])).toBeGreaterThan(0);
      expect(Math.abs(Date.now() - Number(headers['dead-letter-source-timestamp']))).toBeLessThan(60_000);
    });
    expect(letters.find(({ headers }) => 'from' in headers)!.headers['from']).toBe('a test');

    await insertReviews(pool, products, 2);
    await relay(pool, kafka, pipeline.topic);
    await expectExact(pool, redis, products);
    expect(await metric('rating_dead_letters_total')).toBe(poison.length);
    expect(await worker.readiness()).toEqual({
      kafka: true,
      redis: true,
      postgres: true,
      queue: true,
      deadLetters: true,
    });
    expect(fatal).toEqual([]);
  });

  test('does not move past a poison message that the dead-letter topic cannot take yet', async () => {
    const { pool, redis, kafka } = servers;
    const pipeline = await createPipeline(servers, { partitions: 1, deadLetters: false });
    await startWorker(pipeline, { KAFKA_COMMIT_INTERVAL_MS: '50' });
    const products = await insertProducts(pool, 1);
    await insertReviews(pool, products);
    const good = await takeEvents(pool);
    await send(kafka, pipeline.topic, [...good, { key: 'a', value: 'poison 1' }, { key: 'b', value: 'poison 2' }]);
    // What is good in the same batch is not held up.
    await expectExact(pool, redis, products);
    const until = Date.now() + 1_000;
    await eventually('many commit intervals go by', async () => {
      expect(await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)).toBe(3);
      return Date.now() > until;
    });

    await createTopics(kafka, [{ topic: `${pipeline.topic}.dead-letters`, numPartitions: 1 }]);
    const letters = await readTopic(kafka, `${pipeline.topic}.dead-letters`, 2);
    expect(letters.map(({ value }) => String(value))).toEqual(['poison 1', 'poison 2']);
    await eventually(
      'the offsets are committed',
      async () => (await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)) === 0,
    );
  });

  test('goes on with the other partitions while the dead-letter topic is missing, and says that it is not ready', async () => {
    const { pool, redis, kafka } = servers;
    const pipeline = await createPipeline(servers, { partitions: 4, deadLetters: false });
    const { worker, metric, fatal } = await startWorker(pipeline, { KAFKA_COMMIT_INTERVAL_MS: '50' });
    const products = await insertProducts(pool, 12);
    await send(kafka, pipeline.topic, [{ partition: 0, key: 'a', value: 'poison' }]);
    await eventually('it is blocked', async () => (await metric('rating_dead_letters_blocked')) === 1);
    expect(await worker.readiness()).toMatchObject({ kafka: true, deadLetters: false });

    await insertReviews(pool, products, 3);
    const events = await takeEvents(pool);
    const partitionOf = (key: string): number => products.indexOf(key) % 4;
    await send(
      kafka,
      pipeline.topic,
      events.map(({ key, value }) => ({ key: String(key), value, partition: partitionOf(String(key)) })),
    );
    await expectExact(
      pool,
      redis,
      products.filter((id) => partitionOf(id) !== 0),
    );
    expect(await metric('rating_dead_letters_blocked')).toBe(1);
    expect(await redis.exists(`product:${products[0]}:ratingState`)).toBe(0);
    expect(fatal).toEqual([]);

    await createTopics(kafka, [{ topic: `${pipeline.topic}.dead-letters`, numPartitions: 1 }]);
    await expectExact(pool, redis, products);
    const letters = await readTopic(kafka, `${pipeline.topic}.dead-letters`, 1);
    expect(letters.map(({ value }) => String(value))).toEqual(['poison']);
    await eventually('it is ready again', async () => (await worker.readiness())['deadLetters'] === true);
    expect(await metric('rating_dead_letters_blocked')).toBe(0);
    await eventually(
      'the offsets are committed',
      async () => (await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)) === 0,
    );
  });

  test('leaves out what the dead-letter topic refuses as too large, and says where it is', async () => {
    const { kafka } = servers;
    const pipeline = await createPipeline(servers, { partitions: 1, deadLetters: false });
    const deadLetters = `${pipeline.topic}.dead-letters`;
    const configEntries = [{ name: 'max.message.bytes', value: '2000' }];
    await createTopics(kafka, [{ topic: deadLetters, numPartitions: 1, configEntries }]);
    const { metric } = await startWorker(pipeline);
    await send(kafka, pipeline.topic, [
      { key: 'a', value: 'small' },
      { key: 'b', value: 'x'.repeat(100_000) },
      { key: 'c', value: 'small too' },
      { key: 'd', value: 'y', headers: { trace: 'h'.repeat(5_000), tags: ['i'.repeat(5), 'j'] } },
      { key: 'k'.repeat(6_000), value: 'z'.repeat(10), headers: { trace: 'short' } },
      { key: 'e', value: 'the last' },
    ]);
    const letters = await readTopic(kafka, deadLetters, 6);
    expect(letters.map(({ key, value }) => [String(key), value === null ? null : String(value)])).toEqual([
      ['a', 'small'],
      ['b', null],
      ['c', 'small too'],
      ['d', null],
      ['null', null],
      ['e', 'the last'],
    ]);
    expect(letters[1]!.headers).toMatchObject({
      'dead-letter-omitted-bytes': '100000',
      'dead-letter-source-offset': '1',
    });
    expect(letters[3]!.headers).toMatchObject({
      'dead-letter-omitted-bytes': '1',
      'dead-letter-omitted-header-bytes': '5015',
    });
    expect(letters[4]!.headers).toMatchObject({
      'dead-letter-omitted-key-bytes': '6000',
      'dead-letter-source-offset': '4',
    });
    expect(await metric('rating_dead_letters_blocked')).toBe(0);
    await stopWorkers();

    // What is not whole cannot be replayed.
    const topic = new DeadLetterTopic(kafka, deadLetters, `replayed-${pipeline.topic}`);
    expect(await topic.replay(() => true, false)).toEqual({ replayed: 3, skipped: 3 });
  });
});

const POISON: Message[] = [
  { key: 'a', value: 'poison 1', headers: { trace: 'x' } },
  { key: null, value: Buffer.from([0, 255, 1]) },
  { key: 'c', value: null },
];

/** A pipeline whose worker has put the poison into its dead letters; the worker is stopped again. */
async function poisoned(): Promise<{ pipeline: TestPipeline; topic: DeadLetterTopic }> {
  const pipeline = await createPipeline(servers, { partitions: 1 });
  const { metric } = await startWorker(pipeline);
  await send(servers.kafka, pipeline.topic, POISON);
  await eventually('all are dead letters', async () => (await metric('rating_dead_letters_total')) === POISON.length);
  await stopWorkers();
  const topic = new DeadLetterTopic(servers.kafka, `${pipeline.topic}.dead-letters`, `replayed-${pipeline.topic}`);
  return { pipeline, topic };
}

async function list(topic: DeadLetterTopic, all = false): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  await topic.visit(all, (letter) => void letters.push(letter));
  return letters;
}

const text = (bytes: Buffer | null): string | null => bytes?.toString('latin1') ?? null;

describe('the dead-letter topic', () => {
  test('lists what the worker has put there, with reason, source and the original bytes', async () => {
    const { pipeline, topic } = await poisoned();
    const letters = await list(topic);
    expect(
      letters.map(({ key, value, source, headers }) => [
        text(key),
        text(value),
        source.offset,
        headers['trace']?.toString(),
      ]),
    ).toEqual([
      ['a', 'poison 1', '0', 'x'],
      [null, '\x00\xff\x01', '1', undefined],
      ['c', null, '2', undefined],
    ]);
    expect(letters.map(({ reason, source }) => [reason.length > 5, source.topic, source.partition])).toEqual(
      POISON.map(() => [true, pipeline.topic, '0']),
    );
  });

  test('sends them back as they were, once', async () => {
    const { pipeline, topic } = await poisoned();
    expect(await topic.replay(() => true, false)).toEqual({ replayed: 3, skipped: 0 });
    const messages = await readTopic(servers.kafka, pipeline.topic, 6);
    expect(messages.slice(3)).toEqual(messages.slice(0, 3));
    expect(messages[3]!.headers).toEqual({ trace: 'x' });
    expect(await list(topic)).toEqual([]);
    expect(await list(topic, true)).toHaveLength(3);
    expect(await topic.replay(() => true, false)).toEqual({ replayed: 0, skipped: 0 });

    // They still break the contract: the worker writes them anew, and only these are listed.
    const { metric } = await startWorker(pipeline);
    await eventually('they come back', async () => (await metric('rating_dead_letters_total')) === 3);
    expect((await list(topic)).map(({ source }) => source.offset)).toEqual(['3', '4', '5']);
  });

  test('is a command', async () => {
    const { pipeline } = await poisoned();
    const env = { PATH: process.env['PATH'], ...pipeline.env };
    const command = (...args: string[]): Promise<{ stdout: string }> =>
      run(process.execPath, [COMMAND, 'dead-letters', ...args], { env });

    const listed = (await command('list')).stdout;
    expect(listed).toContain(`0:0  the value is not JSON`);
    expect(listed).toContain(`from ${pipeline.topic}, partition 0, offset 0`);
    expect(listed).toContain('3 dead letters');
    const json = (await command('list', '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { value: string });
    expect(Buffer.from(json[1]!.value, 'base64')).toEqual(POISON[1]!.value);

    expect((await command('replay', '--offset', '0:1')).stdout).toContain('1 dead letters replayed');
    await expect(command('replay', '--offset', '0:99')).rejects.toMatchObject({ code: 1 });
    expect((await command('replay')).stdout).toContain('3 dead letters replayed');
    expect((await command('list')).stdout).toContain('0 dead letters');
    expect(await readTopic(servers.kafka, pipeline.topic, 7)).toHaveLength(7);
    await expect(command('archive')).rejects.toMatchObject({ code: 3 });
  });
});
