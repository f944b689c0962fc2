import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the work tree: the same from `src` and from `dist`. */
export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** The paths, below `directory`, of all files below one of its folders. */
export async function listFiles(directory: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(directory, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}
