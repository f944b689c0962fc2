import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The absolute path of a file of the repository. */
export const repositoryFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Where a stack keeps what. */
export interface StackPaths {
  /** All stacks: `.stack` of the repository, or STACK_DIRECTORY. */
  root: string;
  /** Downloaded programs, shared by all stacks. */
  programs: string;
  /** This stack's own folder. */
  directory: string;
  logs: string;
  pids: string;
}

/** Works out the folders of the stack with this name. */
export function stackPaths(name: string, directory?: string): StackPaths {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name) || name === 'programs') {
    throw new Error(
      `"${name}" cannot be the name of a stack: use up to 64 letters, digits, dots, dashes and underscores, and not "programs"`,
    );
  }
  const root = resolve(directory ?? process.env['STACK_DIRECTORY'] ?? repositoryFile('.stack'));
  const own = join(root, name);
  return { root, programs: join(root, 'programs'), directory: own, logs: join(own, 'logs'), pids: join(own, 'pids') };
}

/** Makes the folders that are missing. */
export async function makeStackDirectories({ root, programs, directory, logs, pids }: StackPaths): Promise<void> {
  try {
    for (const folder of [root, programs, directory, logs, pids]) await mkdir(folder, { recursive: true });
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`The stack cannot make its folders (${reason}). Set STACK_DIRECTORY to a folder of your own.`, {
      cause: error,
    });
  }
}

/** Removes files and folders with all that is in them; what is not there is no error. */
export async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true });
}
