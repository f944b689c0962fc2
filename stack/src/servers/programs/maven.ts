import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { megabytes, progressLine, seconds } from '../../progress.js';
import { runProgram } from '../../processes/run-program.js';
import type { ServerContext } from '../server-context.js';

const DOWNLOAD_TIMEOUT_MS = 15 * 60_000;
const TELL_EVERY_MS = 2_000;

/** Whether Maven is installed. */
export async function hasMaven(): Promise<boolean> {
  return !(await runProgram('mvn', ['--version'])).failed;
}

/**
 * Runs a goal of Maven's dependency plug-in in a folder, and says how far its downloads are.
 * @throws with the end of Maven's output and what may help
 */
export async function runMaven(
  subject: string,
  args: readonly string[],
  folder: string,
  { onProgress, signal }: Pick<ServerContext, 'onProgress' | 'signal'>,
): Promise<void> {
  const began = Date.now();
  let bytes = 0;
  let told = began;
  const repository = await repositoryArguments(folder);
  const maven = execa('mvn', ['-B', ...repository, ...args], {
    cwd: folder,
    stdin: 'ignore',
    timeout: DOWNLOAD_TIMEOUT_MS,
    cancelSignal: signal,
    all: true,
  });
  const lines: string[] = [];
  try {
    for await (const line of maven.iterable({ from: 'all' })) {
      lines.push(line);
      bytes += downloadedBytes(line);
      if (Date.now() - told < TELL_EVERY_MS || bytes < 1e6) continue;
      told = Date.now();
      onProgress(progressLine(subject, `${megabytes(bytes)} so far …`));
    }
    await maven;
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(
      `Maven could not download ${subject}. Is Maven Central reachable from here? ` +
        'Behind a proxy, name it in ~/.m2/settings.xml: Maven does not read HTTPS_PROXY.\n' +
        lines
          .filter((line) => line.trim() !== '')
          .slice(-12)
          .join('\n'),
      { cause: error },
    );
  }
  onProgress(progressLine(subject, `downloaded ${megabytes(bytes)} (${seconds(Date.now() - began)})`));
}

/** The size in one of Maven's lines: `Downloaded from central: https://… (1.2 MB at 3.4 MB/s)`. */
export function downloadedBytes(line: string): number {
  const match = /^\[INFO\] Downloaded from .* \(([\d.]+) (B|kB|MB|GB) at /.exec(line);
  return match === null
    ? 0
    : Number(match[1]) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] as 'B' | 'kB' | 'MB' | 'GB'];
}

/** Maven keeps its own copies in the home folder; a user without one needs another place for them. */
async function repositoryArguments(folder: string): Promise<string[]> {
  const home = homedir();
  const repository = join(home, '.m2');
  try {
    await access(existsSync(repository) ? repository : home, constants.W_OK);
    return [];
  } catch {
    return [`-Dmaven.repo.local=${join(folder, '..', '.m2')}`];
  }
}
