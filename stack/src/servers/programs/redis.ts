import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { debianArchitecture, downloadDebianPackages, libraryFoldersIn } from './debian-packages.js';
import { provideDirectory } from './downloads.js';
import { type Progress } from '../../progress.js';
import { tryCommand } from '../../processes/run-command.js';

/** BullMQ and the scripts need it, and only from it on does the process keep its command line. */
const OLDEST_VERSION = [6, 2] as const;
const INSTALL =
  'Install it: `apt-get install redis-server` (Debian, Ubuntu), `brew install redis` (macOS), or valkey-server of your system.';

export interface RedisPrograms {
  /** `Redis 7.0.15` or `Valkey 8.0.1` */
  name: string;
  server: string;
  /** `redis-cli`, if it was found. */
  cli: string | undefined;
}

/** A Redis (or Valkey) of the system, else one of Debian's packages unpacked into the shared programs folder. */
export async function provideRedis(
  programs: string,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<RedisPrograms> {
  for (const [server, cli] of [
    ['redis-server', 'redis-cli'],
    ['valkey-server', 'valkey-cli'],
  ] as const) {
    const name = await versionOf(server);
    if (name !== undefined) return { name, server, cli: (await tryCommand(cli, ['--version'])).ok ? cli : undefined };
  }
  const architecture = await debianArchitecture();
  if (architecture === undefined) throw new Error(`Redis 6.2 or newer was not found on the PATH. ${INSTALL}`);
  const directory = join(programs, `redis-${architecture}`);
  try {
    await provideDirectory({
      name: 'Redis',
      directory,
      fill: async (temporary) => {
        await downloadDebianPackages('Redis', ['redis-server', 'redis-tools'], temporary, onProgress, signal);
        await writeWrappers(temporary);
        if ((await versionOf(join(temporary, 'redis-server'))) === undefined) {
          const attempt = await tryCommand(join(temporary, 'redis-server'), ['--version']);
          throw new Error(`the unpacked redis-server does not run (${attempt.outcome}): ${attempt.stderr.trim()}`);
        }
      },
      onProgress,
    });
  } catch (error) {
    throw new Error(
      `Redis was not found on the PATH, and could not be downloaded: ${(error as Error).message}\n${INSTALL}`,
      {
        cause: error,
      },
    );
  }
  const server = join(directory, 'redis-server');
  const name = await versionOf(server);
  if (name === undefined) {
    throw new Error(`${server} does not run. Remove ${directory} so that it is downloaded again. ${INSTALL}`);
  }
  return { name, server, cli: join(directory, 'redis-cli') };
}

/** Name and version of a Redis server program that runs and is new enough. */
async function versionOf(server: string): Promise<string | undefined> {
  const result = await tryCommand(server, ['--version'], { timeoutMs: 20_000 });
  const match = /^(\w+).*? v=((\d+)\.(\d+)\.\S+)/.exec(result.stdout);
  if (!result.ok || match === null) return undefined;
  const [major, minor] = [Number(match[3]), Number(match[4])];
  const isNewEnough = major > OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor >= OLDEST_VERSION[1]);
  return isNewEnough ? `${match[1]} ${match[2]}` : undefined;
}

/** Programs that find the unpacked libraries from wherever the folder is, and become the program they start. */
async function writeWrappers(directory: string): Promise<void> {
  const folders = await libraryFoldersIn(directory);
  const libraries = folders.map((folder) => `$here/${folder}`).join(':');
  await mkdir(directory, { recursive: true });
  for (const program of ['redis-server', 'redis-cli']) {
    if (!existsSync(join(directory, 'usr', 'bin', program))) continue;
    const file = join(directory, program);
    await writeFile(
      file,
      '#!/bin/sh\n' +
        'here=$(cd "$(dirname "$0")" && pwd)\n' +
        `export LD_LIBRARY_PATH="${libraries}"\n` +
        `exec "$here/usr/bin/${program}" "$@"\n`,
    );
    await chmod(file, 0o755);
  }
}
