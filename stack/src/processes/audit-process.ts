import { execa } from 'execa';
import { RATINGS_COMMAND_ENTRY } from '../system.js';

export interface AuditRun {
  /** 0 all equal, 1 some differ, 2 some stayed behind, 3 the audit failed. */
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs `npm run ratings -- audit` as a process of its own on the servers of `env`. */
export async function runRatingsAudit(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<AuditRun> {
  const { exitCode = null, all } = await execa(process.execPath, [RATINGS_COMMAND_ENTRY, 'audit', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    stripFinalNewline: false,
    reject: false,
  });
  return { exitCode, output: all };
}
