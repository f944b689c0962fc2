import { spawn } from 'node:child_process';

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  timeoutMs?: number;
  /** Ends the program when it is aborted. */
  signal?: AbortSignal;
  /** Receives every line of output as it comes. */
  onLine?: (line: string) => void;
}

export interface CommandResult {
  ok: boolean;
  /** Exit code, signal or the reason why it could not be started. */
  outcome: string;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end and reports how it went; it never throws for what the program did. */
export function tryCommand(command: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { onLine, timeoutMs = 120_000, ...spawnOptions } = options;
  return new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    let rest = '';
    const child = spawn(command, args, {
      ...spawnOptions,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Not the `timeout` of spawn: when the program does not exist, that one keeps the event loop alive until it is over.
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const settle = (ok: boolean, outcome: string): void => {
      clearTimeout(timer);
      resolve({ ok, outcome, stdout, stderr });
    };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (onLine === undefined) return;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', (error) => settle(false, error.message));
    child.once('close', (code, signal) =>
      settle(code === 0, signal === null ? `exit code ${code}` : `ended by ${signal}`),
    );
  });
}

/** Runs a program to its end and returns its output; throws with the end of what it printed when it failed. */
export async function runCommand(command: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryCommand(command, args, options);
  if (!result.ok) throw new Error(`${command} failed (${result.outcome}):\n${lastOutput(result)}`);
  return result.stdout;
}

/** The last lines that a program printed. */
export function lastOutput({ stdout, stderr }: CommandResult): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-12)
    .map((line) => `  ${line}`)
    .join('\n');
}
