import type { Environment } from '@exact-ratings/shared/config/env-reader.js';

/** The exit codes of all commands. Besides, 78 says that the configuration is not usable. */
export const EXIT = {
  /** Done; for the audit: all ratings equal PostgreSQL. */
  OK: 0,
  /** Done, but with something to look at: ratings that differ or could not be counted, ids that are not known, letters that are not there. */
  FINDINGS: 1,
  /** The audit found no difference, but some ratings stayed behind. */
  BEHIND: 2,
  /** Not done: the arguments are wrong, or a server does not answer. */
  FAILED: 3,
} as const;

/** One subcommand of `npm run ratings`. */
export interface Command {
  /** Printed by `--help`, and after a `UsageError`. */
  readonly usage: string;
  /**
   * @param args the arguments behind the command's name
   * @returns the exit code
   * @throws UsageError where the arguments are wrong; any other error where the command failed
   */
  readonly run: (args: readonly string[], environment: Environment) => Promise<number>;
}

/** The arguments are wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What to do about products that PostgreSQL could not count. */
export const UNCOUNTED_ADVICE = 'raise DATABASE_STATEMENT_TIMEOUT_MS and run it again';

/** Prints a line for a person. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const PROGRESS_INTERVAL_MS = 2_000;

/** A function that prints how far a long run is, at most every two seconds. */
export function createProgress(what: string): (count: number) => void {
  let reported = Date.now();
  return (count) => {
    if (Date.now() - reported < PROGRESS_INTERVAL_MS) return;
    reported = Date.now();
    print(`${count.toLocaleString('en')} ${what} …`);
  };
}
