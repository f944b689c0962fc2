import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { provideDirectory, type ProvideOptions } from './downloads.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'downloads-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function options(fill: ProvideOptions['fill']): ProvideOptions {
  return { name: 'Kafka', directory: join(folder, 'programs', 'kafka'), fill, onProgress: () => undefined };
}

test('a download that breaks off leaves nothing that looks whole, and the next one succeeds', async () => {
  const broken = options(async (temporary) => {
    writeFileSync(join(temporary, 'half.jar'), '');
    throw new Error('connection reset');
  });
  await expect(provideDirectory(broken)).rejects.toThrow('connection reset');
  expect(readdirSync(join(folder, 'programs'))).toEqual([]);

  const whole = options(async (temporary) => writeFileSync(join(temporary, 'whole.jar'), ''));
  expect(readdirSync(await provideDirectory(whole))).toEqual(['whole.jar']);
});

test('what a killed download has left is removed', async () => {
  const remains = join(folder, 'programs', 'kafka.partial-1');
  mkdirSync(remains, { recursive: true });
  writeFileSync(join(remains, 'half.jar'), '');
  await provideDirectory(options(async (temporary) => writeFileSync(join(temporary, 'whole.jar'), '')));
  expect(readdirSync(join(folder, 'programs'))).toEqual(['kafka']);
});

test('asked for several times at once it is downloaded once, and nobody sees it unfinished', async () => {
  let downloads = 0;
  const slow = options(async (temporary) => {
    downloads++;
    for (const part of ['1', '2', '3']) {
      await delay(20);
      expect(existsSync(slow.directory)).toBe(false);
      writeFileSync(join(temporary, part), part);
    }
  });
  const provided = await Promise.all([1, 2, 3].map(() => provideDirectory(slow)));
  expect(provided.map((directory) => readdirSync(directory))).toEqual(Array(3).fill(['1', '2', '3']));
  expect(downloads).toBe(1);
});

test('an outdated one is replaced as a whole', async () => {
  const version = (wanted: string): ProvideOptions => ({
    ...options(async (temporary) => writeFileSync(join(temporary, 'version'), wanted)),
    isCurrent: (directory) => readFileSync(join(directory, 'version'), 'utf8') === wanted,
  });
  const directory = await provideDirectory(version('1'));
  writeFileSync(join(directory, 'extra'), '');
  await provideDirectory(version('1'));
  expect(readdirSync(directory).sort()).toEqual(['extra', 'version']);
  await provideDirectory(version('2'));
  expect(readdirSync(directory)).toEqual(['version']);
});
