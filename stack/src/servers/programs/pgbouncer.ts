import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { runProgram } from '../../processes/run-program.js';
import { dataDirectory } from '../data-directory.js';
import type { UnprivilegedUser } from '../unprivileged-user.js';
import { provideDirectory } from './downloads.js';

export interface PgBouncerProgram {
  readonly command: string;
  /** What it needs of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `1.24.1` */
  readonly version: string;
}

/**
 * The PgBouncer of this machine, else Debian's package, unpacked beside the other programs (no root is needed).
 * @throws with what was tried, and how to get one
 */
export async function providePgBouncer(
  programs: string,
  user: UnprivilegedUser | undefined,
  installed: string | undefined,
): Promise<PgBouncerProgram> {
  const problems: string[] = [];
  const candidates = [
    ...(installed === undefined ? ['pgbouncer', '/usr/sbin/pgbouncer'] : [installed]).map(
      (command) => () => Promise.resolve({ command, env: {} }),
    ),
    ...(installed === undefined ? [() => unpackDebianPackage(programs, user)] : []),
  ];
  for (const candidate of candidates) {
    try {
      const { command, env } = await candidate();
      const { failed, shortMessage, stdout } = await runProgram('env', [...variables(env), command, '--version']);
      const version = /^PgBouncer (\d+\.\d+\S*)/m.exec(stdout)?.[1];
      if (!failed && version !== undefined) return { command, env, version };
      problems.push(shortMessage ?? `${command}: ${stdout}`);
    } catch (error) {
      problems.push(errorMessage(error));
    }
  }
  throw new Error(
    'No PgBouncer runs here. Install one (`apt-get install pgbouncer`, `brew install pgbouncer`), or name its program in ' +
      `PGBOUNCER. Tried:\n${problems.join('\n')}`,
  );
}

const variables = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`);

async function unpackDebianPackage(
  programs: string,
  user: UnprivilegedUser | undefined,
): Promise<{ command: string; env: Record<string, string> }> {
  const directory = await provideDirectory({
    name: 'PgBouncer',
    directory: join(await dataDirectory(join(programs, 'pgbouncer'), user, () => undefined), 'debian'),
    fill: async (temporary) => {
      const packages = join(temporary, 'packages');
      await mkdir(packages);
      const { stdout } = await run('apt-cache', ['depends', 'pgbouncer'], packages);
      // What Debian does not install anyway; the names differ from release to release.
      const libraries = [...stdout.matchAll(/Depends: (lib(?:event|c-?ares)\S*)/g)].map(([, name]) => name!);
      await run('apt-get', ['download', 'pgbouncer', ...libraries], packages);
      for (const file of await readdir(packages)) await run('dpkg', ['-x', file, join(temporary, 'root')], packages);
    },
    onProgress: () => undefined,
  });
  const [libraries] = await readdir(join(directory, 'root/usr/lib')).then((folders) =>
    folders.filter((folder) => folder.includes('-linux-')),
  );
  return {
    command: join(directory, 'root/usr/sbin/pgbouncer'),
    env: { LD_LIBRARY_PATH: join(directory, 'root/usr/lib', libraries ?? '') },
  };
}

async function run(program: string, args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  const result = await runProgram(program, args, { cwd });
  if (result.failed) throw new Error(`${result.shortMessage}: ${result.stderr.trim()}`);
  return result;
}
