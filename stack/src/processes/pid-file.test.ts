import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers, readPidFile, writePidFile } from './pid-file.js';
import { commandLineOf, descendantsOf, identityOf, signalProcess } from './process-identity.js';
import { waitUntil } from '../wait-until.js';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pid-file-'))));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A shell that runs `script`, says "ready" and then waits. */
async function shell(script: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn('/bin/sh', ['-c', `${script}; echo ready; while :; do sleep 0.05; done`]);
  children.push(child);
  await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

function record(name: string, { pid }: { pid: number }): string {
  const file = join(folder, `${name}.pid`);
  writePidFile(file, { pid, stopSignal: 'SIGTERM', name });
  return file;
}

test('a living process is found by its file; after its end the file names nobody', async () => {
  const child = await shell(':');
  const file = record('server', child);
  expect(readPidFile(file)).toMatchObject({ pid: child.pid, stopSignal: 'SIGTERM', name: 'server' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readPidFile(file)).toBeUndefined();
});

test('leftovers are ended: willing ones, frozen ones, and by force what ignores the request', async () => {
  const [willing, frozen, stubborn] = await Promise.all([shell(':'), shell(':'), shell('trap "" TERM')]);
  record('willing', willing);
  record('frozen', frozen);
  record('stubborn', stubborn);
  signalProcess(frozen.pid, 'SIGSTOP');
  const found = await endLeftovers(folder, 500);
  expect(found.map(({ name }) => name).sort()).toEqual(['frozen', 'stubborn', 'willing']);
  expect([willing, frozen, stubborn].map(({ pid }) => identityOf(pid))).toEqual([undefined, undefined, undefined]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a process that only got the number of an earlier one is left alone, and so is one in a damaged file', async () => {
  const stranger = await shell(':');
  const file = record('server', stranger);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^(\d+\n)\S+/, '$11'));
  writeFileSync(join(folder, 'short.pid'), String(stranger.pid));
  writeFileSync(join(folder, 'empty.pid'), '');
  writeFileSync(join(folder, 'everybody.pid'), '-1\n1\nSIGKILL\nall\n');
  expect(await endLeftovers(folder)).toEqual([]);
  expect(identityOf(stranger.pid)).toBeDefined();
  expect(existsSync(file)).toBe(false);
});

test('descendants are found over generations', async () => {
  const parent = await shell('(sleep 30.5 & wait) & :');
  const grandchild = await waitUntil(
    () => descendantsOf(parent.pid).find((pid) => commandLineOf(pid).startsWith('sleep 30.5')),
    { timeoutMs: 5_000 },
  );
  expect(grandchild).toBeDefined();
  signalProcess(grandchild ?? 0, 'SIGKILL');
});
