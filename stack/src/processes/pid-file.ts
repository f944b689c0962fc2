import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, isSameProcess, signalProcess, waitUntilGone } from './process-identity.js';

/** A process that was started by us, as its pid file records it (four lines, which `reaper.sh` reads as well). */
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
  // Renamed into place: the reaper never reads half a file.
  writeFileSync(`${file}.tmp`, `${process.pid}\n${identity}\n${process.stopSignal}\n${process.name}\n`);
  renameSync(`${file}.tmp`, file);
}

/** Forgets a process that has ended. */
export function removePidFile(file: string): void {
  rmSync(file, { force: true });
}

/** The recorded process if it still lives, else undefined: a stale, damaged or missing file names nobody. */
export function readPidFile(file: string): RecordedProcess | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [pid, identity, stopSignal, name] = text.split('\n');
  if (!Number.isInteger(Number(pid)) || Number(pid) <= 1 || !identity || !stopSignal?.startsWith('SIG'))
    return undefined;
  if (!isSameProcess(Number(pid), identity)) return undefined;
  return { pid: Number(pid), identity, stopSignal: stopSignal as NodeJS.Signals, name: name ?? '' };
}

/**
 * Ends what a killed launcher left running and forgets its pid files: asks each process to stop, then kills what has
 * not stopped in time. Returns the processes it found.
 */
export async function endLeftovers(pidDirectory: string, timeoutMs = 10_000): Promise<RecordedProcess[]> {
  const files = pidFilesIn(pidDirectory);
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
