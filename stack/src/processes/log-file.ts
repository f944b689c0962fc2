import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync } from 'node:fs';

/** The last lines of a log, indented, with the log's path: what an error shows of a server that failed. */
export function formatLogEnd(file: string, lines = 15): string {
  const tail = lastLines(file, lines);
  return tail.length === 0
    ? `Its log is empty: ${file}`
    : `The end of its log ${file}:\n${tail.map((line) => `  ${line}`).join('\n')}`;
}

/** The last lines of a file, read from its end, however long it is; none when there is no such file. */
function lastLines(file: string, lines: number): string[] {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const size = fstatSync(descriptor).size;
    const buffer = Buffer.alloc(Math.min(size, 64 * 1024));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').filter(Boolean).slice(-lines);
  } finally {
    closeSync(descriptor);
  }
}

/** Puts the log of an earlier run aside, so that this run's log starts empty and the last one can still be read. */
export function startNewLog(file: string): void {
  if (existsSync(file)) renameSync(file, `${file}.previous`);
}
