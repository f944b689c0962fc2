import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { progressLine, type Progress } from '../progress.js';
import { canWrite, type UnprivilegedUser } from './unprivileged-user.js';

/** Reachable for every user, and kept when the machine is started again. */
const ELSEWHERE = '/var/tmp';

/**
 * A folder that belongs to the user and that it can reach: the preferred one, unless it lies under a folder that is closed
 * to that user (a repository in /root). Then one in /var/tmp, whose name follows from the preferred one.
 */
export async function dataDirectory(
  preferred: string,
  user: UnprivilegedUser | undefined,
  onProgress: Progress,
): Promise<string> {
  for (const directory of dataDirectories(preferred)) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await handOver(directory, user);
    if (!(await canWrite(directory, user))) continue;
    if (directory !== preferred) {
      onProgress(progressLine('PostgreSQL', `user ${user?.name} cannot reach ${preferred}: using ${directory}`));
    }
    return directory;
  }
  throw new Error(
    `PostgreSQL cannot use ${preferred} or ${ELSEWHERE} as user ${user?.name ?? '(this one)'}. ` +
      'Set STACK_DIRECTORY to a folder that every user can reach.',
  );
}

/** The folders that `dataDirectory` may have chosen, for whoever removes them. */
export function dataDirectories(preferred: string): string[] {
  const name = createHash('sha256').update(preferred).digest('hex').slice(0, 16);
  return [preferred, join(ELSEWHERE, `exact-ratings-${name}`)];
}

/** @throws where the folder is no folder of ours: somebody else could look into it, or have put files there */
async function handOver(directory: string, user: UnprivilegedUser | undefined): Promise<void> {
  const found = await lstat(directory);
  const owners = [process.getuid?.(), user?.uid];
  if (!found.isDirectory() || !owners.includes(found.uid)) {
    throw new Error(
      `${directory} belongs to another user: was the stack started as root before? ` +
        'Remove that folder, or set STACK_DIRECTORY to a folder of your own.',
    );
  }
  await chmod(directory, 0o700);
  if (user !== undefined) await chown(directory, user.uid, user.gid);
}
