import { spawn } from 'node:child_process';
import { RATINGS_AUDIT_ENTRY } from '../system.js';

export interface AuditRun {
  /** 0 all equal, 1 some differ, 2 some stayed behind, 3 the audit failed. */
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs `ratings:audit` as a process of its own on the servers of `env`. */
export async function runRatingsAudit(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<AuditRun> {
  const child = spawn(process.execPath, [RATINGS_AUDIT_ENTRY, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, output };
}
