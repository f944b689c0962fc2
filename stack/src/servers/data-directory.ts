import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitForLock } from '../processes/lock-file.js';
import { progressLine, type Progress } from '../progress.js';
import { canWrite, type UnprivilegedUser } from './unprivileged-user.js';

const LOCK_TIMEOUT_MS = 60_000;

/**
 * A folder that belongs to the user and that it can reach. The preferred one, unless it lies under a folder that is
 * closed to that user (a repository in /root): then one in the system's temporary folder, remembered for the next start
 * in a file beside the preferred one.
 */
export async function dataDirectoryFor(
  preferred: string,
  user: UnprivilegedUser | undefined,
  onProgress: Progress,
): Promise<string> {
  // Two starts that find no folder make one between them.
  const lock = await waitForLock(`${preferred}.lock`, LOCK_TIMEOUT_MS, () => undefined);
  try {
    return await findReachable(preferred, user, onProgress);
  } finally {
    lock.release();
  }
}

async function findReachable(
  preferred: string,
  user: UnprivilegedUser | undefined,
  onProgress: Progress,
): Promise<string> {
  const pointer = `${preferred}.elsewhere`;
  const remembered = existsSync(pointer) ? (await readFile(pointer, 'utf8')).trim() : undefined;
  if (remembered !== undefined && (await canWrite(remembered, user))) return remembered;
  await mkdir(preferred, { recursive: true });
  await hand(preferred, user);
  if (await canWrite(preferred, user)) return preferred;
  await rm(preferred, { recursive: true, force: true });
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (!existsSync(parent)) continue;
    const elsewhere = await mkdtemp(join(parent, 'exact-ratings-'));
    await hand(elsewhere, user);
    if (await canWrite(elsewhere, user)) {
      await writeFile(pointer, `${elsewhere}\n`);
      const who = user === undefined ? 'this user' : `user ${user.name}`;
      onProgress(progressLine('PostgreSQL', `${who} cannot reach ${preferred}; using ${elsewhere}`));
      return elsewhere;
    }
    await rm(elsewhere, { recursive: true, force: true });
  }
  throw new Error(
    `PostgreSQL cannot use ${preferred} or a temporary folder as user ${user?.name ?? '(this one)'}. ` +
      'Set STACK_DIRECTORY to a folder that every user can reach, such as /var/tmp/exact-ratings.',
  );
}

/** Removes the folder, wherever it turned out to be. */
export async function removeDataDirectory(preferred: string): Promise<void> {
  const pointer = `${preferred}.elsewhere`;
  if (existsSync(pointer)) {
    const elsewhere = (await readFile(pointer, 'utf8')).trim();
    if (elsewhere.includes('exact-ratings-')) await rm(elsewhere, { recursive: true, force: true });
    await rm(pointer, { force: true });
  }
  await rm(preferred, { recursive: true, force: true });
}

async function hand(directory: string, user: UnprivilegedUser | undefined): Promise<void> {
  try {
    await chmod(directory, 0o700);
    if (user !== undefined) await chown(directory, user.uid, user.gid);
  } catch (error) {
    throw new Error(
      `${directory} belongs to another user (${(error as Error).message}): was the stack started as root before? ` +
        'Remove that folder, or set STACK_DIRECTORY to a folder of your own.',
      { cause: error },
    );
  }
}
