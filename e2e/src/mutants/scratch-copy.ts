import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Patch } from './mutant.js';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** What runs of each workspace, besides `dist` and `package.json`. */
const WORKSPACES: Readonly<Record<string, readonly string[]>> = {
  shared: ['lua'],
  client: [],
  'rating-worker': ['src', 'jest.config.mjs', 'jest.setup.mjs'],
  'graph-api': ['sql'],
  stack: ['kafka', 'watchdog.sh'],
  e2e: ['src', 'jest.config.mjs'],
};

/** A copy of the built tree that can be broken: the work tree is never touched. */
export class ScratchCopy {
  private constructor(readonly directory: string) {}

  /** Copies what runs; packages of others are linked. */
  static async create(): Promise<ScratchCopy> {
    const directory = await mkdtemp(join(tmpdir(), 'e2e-mutant-'));
    // PostgreSQL's user must be able to reach its data below it.
    await chmod(directory, 0o755);
    const modules = join(directory, 'node_modules');
    await mkdir(join(modules, '@exact-ratings'), { recursive: true });
    for (const name of await readdir(join(REPOSITORY, 'node_modules'))) {
      if (name !== '@exact-ratings') await symlink(join(REPOSITORY, 'node_modules', name), join(modules, name));
    }
    for (const [workspace, further] of Object.entries(WORKSPACES)) {
      const [from, to] = [join(REPOSITORY, workspace), join(directory, workspace)];
      for (const part of ['package.json', 'dist', ...further]) {
        await cp(join(from, part), join(to, part), { recursive: true });
      }
      if (existsSync(join(from, 'node_modules'))) await symlink(join(from, 'node_modules'), join(to, 'node_modules'));
      await symlink(to, join(modules, '@exact-ratings', workspace));
    }
    for (const file of ['package.json', 'jest.config.base.mjs']) {
      await cp(join(REPOSITORY, file), join(directory, file));
    }
    const stacks = process.env['STACK_DIRECTORY'] ?? join(REPOSITORY, '.stack');
    await mkdir(join(stacks, 'programs'), { recursive: true });
    await mkdir(join(directory, '.stack'));
    await symlink(join(stacks, 'programs'), join(directory, '.stack', 'programs'));
    return new ScratchCopy(directory);
  }

  /** @throws where a patch does not apply: the code has changed, and the mutant must follow */
  async apply(patches: readonly Patch[]): Promise<void> {
    for (const { file, from, to } of patches) {
      const path = join(this.directory, file);
      const text = await readFile(path, 'utf8');
      const count = text.split(from).length - 1;
      if (count !== 1) throw new Error(`the patch of ${file} no longer applies: found ${count} times: ${from}`);
      await writeFile(
        path,
        text.replace(from, () => to),
      );
    }
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
