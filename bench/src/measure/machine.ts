import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { descendantsOf } from '@exact-ratings/stack/processes/process-identity.js';
import { processCpu } from './process-cpu.js';

/** `2 × Intel(R) Xeon(R), 24 GB, linux x64, Node v20.20.2` */
export function machineName(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${model}, ${memory} GB, ${process.platform} ${process.arch}, Node ${process.version}`;
}

/** The commit that is measured, `-dirty` where files differ from it; `unknown` outside of a repository. */
export function commitName(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=9'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

/** How much of the processors other work takes while a scenario runs. */
export class ForeignLoadMeter {
  readonly #before = readProcessors();
  readonly #ownBefore = treeCpu(process.pid);

  /**
   * From 0 to 1: what all processors did since the meter was made, without this process and its descendants, ended ones included.
   * Undefined where the system does not tell the CPU time of ended children (it does on Linux).
   */
  read(): number | undefined {
    const ownNow = treeCpu(process.pid);
    if (ownNow === undefined || this.#ownBefore === undefined) return undefined;
    const { busy, total } = readProcessors();
    const spent = total - this.#before.total;
    const foreign = busy - this.#before.busy - (ownNow - this.#ownBefore) / 1_000;
    return spent === 0 ? 0 : Math.min(Math.max(foreign / spent, 0), 1);
  }
}

/** Of all processors together, in ms since the system's start. */
function readProcessors(): { busy: number; total: number } {
  const times = cpus().map((processor) => processor.times);
  const busy = times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0);
  return { busy, total: times.reduce((sum, { idle }) => sum + idle, busy) };
}

/** The CPU time in µs of a process and its descendants; children that ended count once their parent has waited for them. */
function treeCpu(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return [pid, ...descendantsOf(pid)].reduce((sum, member) => sum + processCpu(member, { endedChildren: true }), 0);
}
