import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { waitForLock } from '../../processes/lock-file.js';
import { progressLine, type Progress } from '../../progress.js';

const LOCK_TIMEOUT_MS = 15 * 60_000;

export interface ProvideOptions {
  /** What people call it, for progress lines. */
  name: string;
  /** Where it is wanted. It exists whole or not at all. */
  directory: string;
  /** Fills an empty folder, which takes the place of `directory` when this has succeeded. */
  fill: (temporary: string) => Promise<void>;
  /** Whether what is there is what is wanted; an outdated one is made again. By default whatever is there is taken. */
  isCurrent?: (directory: string) => boolean;
  onProgress: Progress;
}

/** Provides a folder of downloaded or copied files once for all stacks, however many of them ask for it at once. */
export async function provideDirectory(options: ProvideOptions): Promise<string> {
  const { name, directory, fill, onProgress } = options;
  const isProvided = (): boolean => existsSync(directory) && (options.isCurrent?.(directory) ?? true);
  if (isProvided()) return directory;
  await mkdir(dirname(directory), { recursive: true });
  const lock = await waitForLock(`${directory}.lock`, LOCK_TIMEOUT_MS, (holder) =>
    onProgress(progressLine(name, `another start (pid ${holder}) is fetching it; waiting for that`)),
  );
  try {
    if (isProvided()) return directory;
    await removeRemains(directory);
    const temporary = `${directory}.partial-${process.pid}`;
    await mkdir(temporary);
    try {
      await fill(temporary);
      await rm(directory, { recursive: true, force: true });
      await rename(temporary, directory);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return directory;
  } finally {
    lock.release();
  }
}

/** Removes what broken downloads have left. Only the lock's holder may: no other download is under way then. */
async function removeRemains(directory: string): Promise<void> {
  const parent = dirname(directory);
  const remains = (await readdir(parent)).filter((entry) => entry.startsWith(`${basename(directory)}.partial-`));
  for (const entry of remains) await rm(join(parent, entry), { recursive: true, force: true });
}
