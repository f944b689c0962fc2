import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { waitUntil } from '../wait-until.js';

/**
 * What tells this process from every other that had or will have its number: the time it started. Undefined when no such
 * process lives (a zombie does not).
 */
export function identityOf(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxStat(pid)?.startTime;
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith('Z') || started.length === 0 ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}

/** Whether the process with this number is still the one whose identity was recorded. */
export function isSameProcess(pid: number, identity: string): boolean {
  return identityOf(pid) === identity;
}

/** The program and arguments of a process, joined by blanks; empty when there is no such process. */
export function commandLineOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}

/** The process's living children, their children, and so on. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of processTable()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const found: number[] = [];
  const collect = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      found.push(child);
      collect(child);
    }
  };
  collect(pid);
  return found;
}

/** Sends a signal; a process that is already gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    throw new Error(
      `Process ${pid} cannot be sent ${signal} (${message}): it belongs to another user. Is it left from a start as root?`,
      { cause: error },
    );
  }
}

/** Waits until none of these processes lives; false when some still do after `timeoutMs`. */
export async function waitUntilGone(pids: number[], timeoutMs: number): Promise<boolean> {
  const gone = await waitUntil(() => pids.every((pid) => identityOf(pid) === undefined), { timeoutMs });
  return gone ?? false;
}

function processTable(): [pid: number, parent: number][] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const stat = linuxStat(Number(name));
        return stat === undefined ? [] : [[Number(name), stat.parent] satisfies [number, number]];
      });
  }
  return execFileSync('ps', ['-A', '-o', 'pid=', '-o', 'ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      return [pid ?? 0, parent ?? 0];
    });
}

function linuxStat(pid: number): { parent: number; startTime: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
    const [state, parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : { parent: Number(parent), startTime: rest[17] ?? '' };
  } catch {
    return undefined;
  }
}
