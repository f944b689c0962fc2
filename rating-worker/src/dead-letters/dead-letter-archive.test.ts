import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Message } from 'kafkajs';
import { eventually, readTopic, send } from '../testing/test-data.js';
import {
  createPipeline,
  startTestServers,
  startWorker,
  stopWorkers,
  type TestPipeline,
  type TestServers,
} from '../testing/test-servers.js';
import { DeadLetterArchive, type DeadLetter } from './dead-letter-archive.js';

const COMMAND = fileURLToPath(new URL('../../dist/dead-letters-command.js', import.meta.url));
const run = promisify(execFile);
let servers: TestServers;

beforeAll(async () => {
  servers = await startTestServers('dead-letters');
}, 180_000);
afterEach(stopWorkers);
afterAll(() => servers?.stop());

const POISON: Message[] = [
  { key: 'a', value: 'poison 1', headers: { trace: 'x' } },
  { key: null, value: Buffer.from([0, 255, 1]) },
  { key: 'c', value: null },
];

/** A pipeline whose worker has put the poison into its dead letters; the worker is stopped again. */
async function poisoned(): Promise<{ pipeline: TestPipeline; archive: DeadLetterArchive }> {
  const pipeline = await createPipeline(servers, { partitions: 1 });
  const { metric } = await startWorker(pipeline);
  await send(servers.kafka, pipeline.topic, POISON);
  await eventually('all are dead letters', async () => (await metric('rating_dead_letters_total')) === POISON.length);
  await stopWorkers();
  const archive = new DeadLetterArchive(servers.kafka, `${pipeline.topic}.dead-letters`, `replayed-${pipeline.topic}`);
  return { pipeline, archive };
}

async function list(archive: DeadLetterArchive, all = false): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  await archive.visit(all, (letter) => void letters.push(letter));
  return letters;
}

const text = (bytes: Buffer | null): string | null => bytes?.toString('latin1') ?? null;

it('lists what the worker has put there, with reason, source and the original bytes', async () => {
  const { pipeline, archive } = await poisoned();
  const letters = await list(archive);
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

it('sends them back as they were, once', async () => {
  const { pipeline, archive } = await poisoned();
  expect(await archive.replay(() => true, false)).toEqual({ replayed: 3, skipped: 0 });
  const messages = await readTopic(servers.kafka, pipeline.topic, 6);
  expect(messages.slice(3)).toEqual(messages.slice(0, 3));
  expect(messages[3]!.headers).toEqual({ trace: 'x' });
  expect(await list(archive)).toEqual([]);
  expect(await list(archive, true)).toHaveLength(3);
  expect(await archive.replay(() => true, false)).toEqual({ replayed: 0, skipped: 0 });

  // They still break the contract: the worker writes them anew, and only these are listed.
  const { metric } = await startWorker(pipeline);
  await eventually('they come back', async () => (await metric('rating_dead_letters_total')) === 3);
  expect((await list(archive)).map(({ source }) => source.offset)).toEqual(['3', '4', '5']);
});

it('is a command', async () => {
  const { pipeline } = await poisoned();
  const env = { PATH: process.env['PATH'], ...pipeline.env };
  const command = (...args: string[]): Promise<{ stdout: string }> =>
    run(process.execPath, [COMMAND, ...args], { env });

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
  await expect(command('bury')).rejects.toMatchObject({ code: 2 });
});
