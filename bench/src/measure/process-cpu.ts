import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The kernel's unit of CPU times in /proc: USER_HZ, 100 a second on every Linux that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;

/**
 * The CPU time in µs that a process has used so far, user and system, all of its threads, in steps of 10 ms.
 * @param options.endedChildren add that of children which have ended and were waited for (on Linux; ignored elsewhere)
 * @returns 0 where there is no such process (any more)
 */
export function processCpu(pid: number, { endedChildren = false }: { readonly endedChildren?: boolean } = {}): number {
  try {
    if (process.platform === 'linux') {
      return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), endedChildren) * MICROSECONDS_PER_TICK;
    }
    return parsePsTime(execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  } catch {
    return 0;
  }
}

/** utime + stime of a line of /proc/<pid>/stat, in ticks. The name in parentheses may hold spaces and parentheses. */
export function parseProcStat(stat: string, endedChildren = false): number {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const own = fields[11]! + fields[12]!;
  return endedChildren ? own + fields[13]! + fields[14]! : own;
}

/** `[[dd-]hh:]mm:ss[.cc]`, as ps writes it, in µs. */
export function parsePsTime(text: string): number {
  const [, days = '0', clock = ''] = /^(?:(\d+)-)?([\d:.]+)$/.exec(text) ?? [];
  if (clock === '') throw new Error(`ps answered "${text}", which is not a CPU time`);
  const secondsOfClock = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + secondsOfClock) * 1_000_000);
}
