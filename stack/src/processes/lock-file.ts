import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identityOf, isSameProcess } from './process-identity.js';
import { waitUntil } from '../wait-until.js';

export interface Lock {
  release(): void;
}

/** The number of the process that holds a lock. */
export interface LockHolder {
  heldBy: number;
}

/** Takes the lock, also from a holder that no longer lives; or says who holds it. */
export function tryLock(file: string): Lock | LockHolder {
  const mine = `${process.pid}\n${identityOf(process.pid)}\n`;
  const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(draft, mine);
  try {
    for (;;) {
      // A link appears with its content or not at all, and never replaces another's.
      if (tryLink(draft, file)) return { release: () => rmSync(file, { force: true }) };
      const seen = readLock(file);
      if (seen === undefined) continue;
      const holder = livingHolder(seen);
      if (holder !== undefined) return { heldBy: holder };
      takeAway(file, seen);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Waits for the lock; `onWait` is told once who holds it. */
export async function waitForLock(file: string, timeoutMs: number, onWait: (holder: number) => void): Promise<Lock> {
  let told = false;
  let holder = 0;
  const lock = await waitUntil(
    () => {
      const result = tryLock(file);
      if (!('heldBy' in result)) return result;
      holder = result.heldBy;
      if (!told) onWait(holder);
      told = true;
      return undefined;
    },
    { timeoutMs, intervalMs: 100 },
  );
  if (lock === undefined) {
    throw new Error(
      `Process ${holder} has held ${file} for ${timeoutMs / 1000} s. ` +
        `If it hangs, end it (kill ${holder}) and start again.`,
    );
  }
  return lock;
}

function tryLink(existing: string, file: string): boolean {
  try {
    linkSync(existing, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readLock(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function livingHolder(content: string): number | undefined {
  const [pid, identity] = content.split('\n');
  return pid && identity && Number(pid) > 1 && isSameProcess(Number(pid), identity) ? Number(pid) : undefined;
}

/** Removes a dead holder's lock; when another process was faster and it is already a new one, puts that back. */
function takeAway(file: string, stale: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (readLock(aside) !== stale) tryLink(aside, file);
  rmSync(aside, { force: true });
}
