import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatEnvFile, readEnvFile, writeEnvFile } from './env-file.js';

const env = {
  DATABASE_HOST: '127.0.0.1',
  KAFKA_BROKER: '127.0.0.1:9092',
  PHRASE: 'two words $HOME `id` #1',
  EMPTY: '',
};
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'env-file-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test('what is written is read back, by us, by Node and by a shell', async () => {
  const file = join(folder, 'stack.env');
  await writeEnvFile(file, env);
  expect(await readEnvFile(file)).toEqual(env);

  const print = 'console.log(JSON.stringify([process.env.KAFKA_BROKER, process.env.PHRASE, process.env.EMPTY]))';
  const expected = JSON.stringify([env.KAFKA_BROKER, env.PHRASE, env.EMPTY]);
  expect(execFileSync(process.execPath, [`--env-file=${file}`, '-e', print], { encoding: 'utf8' }).trim()).toBe(
    expected,
  );
  const sourced = ['-c', `set -a; . "$1"; exec "$2" -e '${print}'`, 'sh', file, process.execPath];
  expect(execFileSync('/bin/sh', sourced, { encoding: 'utf8' }).trim()).toBe(expected);
});

test('only its owner may read it, also when a file for everybody was there, and no draft remains', async () => {
  const file = join(folder, 'stack.env');
  execFileSync('/bin/sh', ['-c', 'umask 0; : >"$1"', 'sh', file]);
  await writeEnvFile(file, env);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['stack.env']);
});

test('a value that the format cannot hold is refused with the name of its variable', () => {
  expect(() => formatEnvFile({ PASSWORD: "it's" })).toThrow(/^PASSWORD cannot be written/);
  expect(() => formatEnvFile({ PASSWORD: 'a\nb' })).toThrow(/^PASSWORD cannot be written/);
});
