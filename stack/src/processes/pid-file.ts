import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, isSameProcess, signalProcess, waitUntilGone } from './process-identity.js';

/** A process that was started by us, as its pid file records it. */
export interface RecordedProcess {
  pid: number;
  identity: string;
  stopSignal: NodeJS.Signals;
  name: string;
}

/** Records a process that has just been started. */
export function writePidFile(file: string, process: Omit<RecordedProcess, 'identity'>): void {
  const identity = identityOf(process.pid);
  if (identity === undefined) return;
  // Renamed into place: the orphan reaper never reads half a file.
  writeFileSync(`${file}.tmp`, `${process.pid}\n${identity}\n${process.stopSignal}\n${process.name}\n`);
  renameSync(`${file}.tmp`, file);
}

/** Removes the file of a process that has ended. */
export function removePidFile(file: string): void {
  rmSync(file, { force: true });
}

/** The recorded process if it still lives, else undefined: a stale, damaged or missing file names nobody. */
export function readPidFile(file: string): RecordedProcess | undefined {
  try {
    const [pid, identity, stopSignal, name = ''] = readFileSync(file, 'utf8').split('\n');
    if (!(Number(pid) > 1) || !identity || !stopSignal?.startsWith('SIG')) return undefined;
    if (!isSameProcess(Number(pid), identity)) return undefined;
    return { pid: Number(pid), identity, stopSignal: stopSignal as NodeJS.Signals, name };
  } catch {
    return undefined;
  }
}

/**
 * Ends the processes that a killed launcher has left running, and removes their pid files: asks each to stop, then kills
 * what has not stopped in time. Returns the processes it found; leaves out the one that calls it.
 */
export async function endLeftovers(pidDirectory: string, timeoutMs = 10_000): Promise<RecordedProcess[]> {
  const files = pidFilesIn(pidDirectory).filter((file) => readPidFile(file)?.pid !== process.pid);
  const left = files.flatMap((file) => readPidFile(file) ?? []);
  for (const { pid, stopSignal } of left) {
    signalProcess(pid, stopSignal);
    signalProcess(pid, 'SIGCONT');
  }
  const pids = left.map(({ pid }) => pid);
  if (!(await waitUntilGone(pids, timeoutMs))) {
    for (const { pid, identity } of left) if (isSameProcess(pid, identity)) signalProcess(pid, 'SIGKILL');
    await waitUntilGone(pids, timeoutMs);
  }
  files.forEach(removePidFile);
  return left;
}

function pidFilesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.pid'))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}
