import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock, waitForLock, type Lock } from './lock-file.js';
import { identityOf } from './process-identity.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-file-'));
  file = join(folder, 'demo.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

function take(): Lock {
  const lock = tryLock(file);
  if ('heldBy' in lock) throw new Error(`held by ${lock.heldBy}`);
  return lock;
}

test('one at a time, and again after its release; nothing is left lying about', () => {
  const lock = take();
  expect(tryLock(file)).toEqual({ heldBy: process.pid });
  lock.release();
  take().release();
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock of a process that has died, or whose number another has now, is taken over; so is a damaged one', async () => {
  const child = spawn('/bin/sh', ['-c', 'read x']);
  const identity = identityOf(child.pid ?? 0);
  writeFileSync(file, `${child.pid}\n${identity}\n`);
  expect(tryLock(file)).toEqual({ heldBy: child.pid });
  child.kill('SIGKILL');
  await once(child, 'exit');
  take().release();
  writeFileSync(file, `${process.pid}\n1\n`);
  take().release();
  writeFileSync(file, '');
  take().release();
});

test('waiting ends with the release, and tells once who is waited for', async () => {
  const lock = take();
  const told: number[] = [];
  const waiting = waitForLock(file, 5_000, (holder) => {
    told.push(holder);
    lock.release();
  });
  (await waiting).release();
  expect(told).toEqual([process.pid]);
});

test('waiting in vain says who holds it and what to do', async () => {
  take();
  await expect(waitForLock(file, 10, () => undefined)).rejects.toThrow(`kill ${process.pid}`);
});
