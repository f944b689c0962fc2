import { execa } from 'execa';

const TIMEOUT_MS = 120_000;

export interface ProgramOptions {
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** In milliseconds; two minutes by default. */
  readonly timeout?: number;
}

export interface ProgramResult {
  /** Whether it could not be started, ended with another exit code than 0, or by a signal. */
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** How it failed. */
  readonly shortMessage?: string | undefined;
}

/** Runs a program to its end and reports how it went. Never rejects for what the program did, or for want of a program. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return execa(program, args, { stdin: 'ignore', timeout: TIMEOUT_MS, ...options, reject: false });
}
