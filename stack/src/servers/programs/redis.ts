import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { runProgram } from '../../processes/run-program.js';
import { progressLine } from '../../progress.js';
import type { ServerContext } from '../server-context.js';
import { provideDirectory } from './downloads.js';
import { runMaven } from './maven.js';

/** Redis servers for Linux and macOS, x64 and arm64, in one jar. */
const ARTIFACT = 'com.github.codemonstur:embedded-redis:1.4.4';
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack';
/** BullMQ and the scripts need it, and only from it on does the process keep its command line. */
const OLDEST_VERSION = [6, 2] as const;

export interface RedisPrograms {
  /** `Redis 6.2.11` */
  name: string;
  server: string;
}

/** A Redis from Maven Central, the same on every machine; where that does not run, the Redis or Valkey of the system. */
export async function provideRedis(context: ServerContext): Promise<RedisPrograms> {
  const problems: string[] = [];
  for (const candidate of [() => provideEmbedded(context), () => 'redis-server', () => 'valkey-server']) {
    try {
      const server = await candidate();
      return { name: await versionOf(server), server };
    } catch (error) {
      context.signal.throwIfAborted();
      problems.push(errorMessage(error));
    }
  }
  throw new Error(
    `No Redis ${OLDEST_VERSION.join('.')} or newer runs here. Install one: \`apt-get install redis-server\` ` +
      `(Debian, Ubuntu) or \`brew install redis\` (macOS). Tried:\n${problems.join('\n')}`,
  );
}

async function provideEmbedded({ paths, onProgress, signal }: ServerContext): Promise<string> {
  const directory = await provideDirectory({
    name: 'Redis',
    directory: join(paths.programs, ARTIFACT.replace(/.*:(.*):/, '$1-')),
    fill: async (temporary) => {
      onProgress(progressLine('Redis', 'downloading 12 MB from Maven Central …'));
      const system = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
      const args = [`-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${temporary}`];
      const only = `-Dmdep.unpack.includes=redis-server-*-${system}`;
      await runMaven('Redis', [UNPACK, ...args, only], temporary, { onProgress, signal });
    },
    onProgress,
  });
  const file = (await readdir(directory)).find((entry) => entry.startsWith('redis-server-'));
  if (file === undefined) throw new Error(`${ARTIFACT} has no server for ${process.platform} on ${process.arch}`);
  const server = join(directory, file);
  await chmod(server, 0o755);
  return server;
}

/**
 * Name and version of a Redis server program: `Redis 6.2.11`.
 * @throws where it does not run, or is too old
 */
async function versionOf(server: string): Promise<string> {
  const { failed, shortMessage, stdout, stderr } = await runProgram(server, ['--version'], { timeout: 20_000 });
  const match = /^(\w+).*? v=((\d+)\.(\d+)\.\S+)/.exec(stdout);
  if (failed || match === null) throw new Error(`${shortMessage ?? server}: ${stderr || stdout}`);
  const [major, minor] = [Number(match[3]), Number(match[4])];
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw new Error(`${server} is ${match[2]}`);
  }
  return `${match[1]} ${match[2]}`;
}
