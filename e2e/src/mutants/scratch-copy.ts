import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SourceTree } from './mutant.js';
import { listFiles, REPOSITORY } from './repository.js';

/** A copy of the built work tree, to be broken. The work tree itself is never touched. */
export class ScratchCopy implements SourceTree {
  private constructor(readonly directory: string) {}

  /** Copies all workspaces; packages of others are linked, as are the downloaded servers. */
  static async create(): Promise<ScratchCopy> {
    const directory = await mkdtemp(join(tmpdir(), 'e2e-mutant-'));
    // PostgreSQL's user must be able to reach its data below it.
    await chmod(directory, 0o755);
    const modules = join(directory, 'node_modules');
    await mkdir(join(modules, '@exact-ratings'), { recursive: true });
    for (const name of await readdir(join(REPOSITORY, 'node_modules'))) {
      if (name !== '@exact-ratings') await symlink(join(REPOSITORY, 'node_modules', name), join(modules, name));
    }
    for (const workspace of await workspaces()) {
      const [from, to] = [join(REPOSITORY, workspace), join(directory, workspace)];
      await cp(from, to, { recursive: true, filter: (path) => basename(path) !== 'node_modules' });
      if (existsSync(join(from, 'node_modules'))) await symlink(join(from, 'node_modules'), join(to, 'node_modules'));
      await symlink(to, join(modules, '@exact-ratings', workspace));
    }
    for (const entry of await readdir(REPOSITORY, { withFileTypes: true })) {
      if (entry.isFile()) await cp(join(REPOSITORY, entry.name), join(directory, entry.name));
    }
    const stacks = process.env['STACK_DIRECTORY'] ?? join(REPOSITORY, '.stack');
    await mkdir(join(stacks, 'programs'), { recursive: true });
    await mkdir(join(directory, '.stack'));
    await symlink(join(stacks, 'programs'), join(directory, '.stack', 'programs'));
    return new ScratchCopy(directory);
  }

  files(workspace: string, folder: string): Promise<string[]> {
    return listFiles(join(this.directory, workspace), folder);
  }

  read(workspace: string, path: string): Promise<string> {
    return readFile(join(this.directory, workspace, path), 'utf8');
  }

  write(workspace: string, path: string, text: string): Promise<void> {
    return writeFile(join(this.directory, workspace, path), text);
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function workspaces(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as { workspaces: string[] };
  return manifest.workspaces;
}
