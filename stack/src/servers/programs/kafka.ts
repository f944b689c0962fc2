import { existsSync, readFileSync } from 'node:fs';
import { access, copyFile, constants, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideDirectory } from './downloads.js';
import { megabytes, progressLine, seconds, type Progress } from '../../progress.js';
import { lastOutput, tryCommand } from '../../processes/run-command.js';

const OLDEST_JAVA = 17;
const POM = fileURLToPath(new URL('../../../kafka/pom.xml', import.meta.url));

export const KAFKA_VERSION = /<kafka.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1] ?? '4';

export type Java = Pick<KafkaPrograms, 'java' | 'javaVersion'>;

export interface KafkaPrograms {
  java: string;
  /** `17.0.15` */
  javaVersion: string;
  /** The folder of the jars. */
  jars: string;
}

/**
 * Looks for what Kafka needs and cannot be brought along: a JDK, and Maven for the first download. Called before any
 * download, so that nobody waits for one in vain.
 */
export async function findJava(programs: string): Promise<Java> {
  const java = await usableJava();
  const hasMaven = isDownloaded(jarsIn(programs)) || (await tryCommand('mvn', ['--version'])).ok;
  if (java !== undefined && hasMaven) return java;
  const needs = [
    ...(java === undefined ? [`a JDK ${OLDEST_JAVA} or newer (command java)`] : []),
    ...(hasMaven ? [] : ['Maven (command mvn)']),
  ];
  const debian = [...(java === undefined ? ['default-jdk-headless'] : []), ...(hasMaven ? [] : ['maven'])];
  const brew = [...(java === undefined ? ['openjdk'] : []), ...(hasMaven ? [] : ['maven'])];
  throw new Error(
    `Apache Kafka needs ${needs.join(' and ')}, not found on the PATH. Install it: ` +
      `\`apt-get install ${debian.join(' ')}\` (Debian, Ubuntu; as root or with sudo) or ` +
      `\`brew install ${brew.join(' ')}\` (macOS; put openjdk on the PATH as brew tells you).`,
  );
}

/** Apache Kafka's jars, from Maven Central at the first use. */
export async function provideKafka(
  programs: string,
  java: Java,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<KafkaPrograms> {
  const jars = await provideDirectory({
    name: `Kafka ${KAFKA_VERSION}`,
    directory: jarsIn(programs),
    fill: (temporary) => download(temporary, onProgress, signal),
    isCurrent: isDownloaded,
    onProgress,
  });
  return { ...java, jars };
}

function jarsIn(programs: string): string {
  return join(programs, `kafka-${KAFKA_VERSION}`);
}

/** The jars lie beside the pom that asked for them: another pom makes them outdated. */
function isDownloaded(jars: string): boolean {
  const copy = join(jars, 'pom.xml');
  return existsSync(copy) && readFileSync(copy, 'utf8') === readFileSync(POM, 'utf8');
}

async function usableJava(): Promise<Java | undefined> {
  const home = process.env['JAVA_HOME'];
  for (const java of [...(home ? [join(home, 'bin', 'java')] : []), 'java']) {
    const { ok, stdout, stderr } = await tryCommand(java, ['-version']);
    // "17.0.15"; up to Java 8 it was "1.8.0".
    const javaVersion = /version "([\w.+-]+)"/.exec(stdout + stderr)?.[1];
    if (ok && javaVersion !== undefined && Number.parseInt(javaVersion) >= OLDEST_JAVA) return { java, javaVersion };
  }
  return undefined;
}

async function download(temporary: string, onProgress: Progress, signal: AbortSignal): Promise<void> {
  const subject = `Kafka ${KAFKA_VERSION}`;
  const began = Date.now();
  let bytes = 0;
  let told = began;
  onProgress(progressLine(subject, 'downloading 43 MB in 45 files from Maven Central …'));
  await copyFile(POM, join(temporary, 'pom.xml'));
  const result = await tryCommand(
    'mvn',
    ['-B', ...(await repositoryArguments(temporary)), 'dependency:copy-dependencies'],
    {
      cwd: temporary,
      signal,
      timeoutMs: 15 * 60_000,
      onLine: (line) => {
        bytes += downloadedBytes(line);
        if (Date.now() - told < 2_000 || bytes < 1e6) return;
        told = Date.now();
        onProgress(progressLine(subject, `${megabytes(bytes)} so far …`));
      },
    },
  );
  if (!result.ok) {
    throw new Error(
      `Maven could not download Kafka (${result.outcome}). Is Maven Central reachable from here? ` +
        `Behind a proxy, name it in ~/.m2/settings.xml: Maven does not read HTTPS_PROXY.\n${lastOutput(result)}`,
    );
  }
  await rm(join(temporary, '.m2'), { recursive: true, force: true });
  const jars = (await readdir(temporary)).filter((file) => file.endsWith('.jar'));
  const sizes = await Promise.all(jars.map(async (jar) => (await stat(join(temporary, jar))).size));
  const size = megabytes(sizes.reduce((sum, one) => sum + one, 0));
  onProgress(progressLine(subject, `${size} in ${jars.length} files (${seconds(Date.now() - began)})`));
}

/** The size in one of Maven's lines: `Downloaded from central: https://… (1.2 MB at 3.4 MB/s)`. */
export function downloadedBytes(line: string): number {
  const match = /^\[INFO\] Downloaded from .* \(([\d.]+) (B|kB|MB|GB) at /.exec(line);
  return match === null
    ? 0
    : Number(match[1]) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] as 'B' | 'kB' | 'MB' | 'GB'];
}

/** Maven keeps its own copies in the home folder; a user without one needs another place for them. */
async function repositoryArguments(temporary: string): Promise<string[]> {
  const home = homedir();
  const repository = join(home, '.m2');
  try {
    await access(existsSync(repository) ? repository : home, constants.W_OK);
    return [];
  } catch {
    return [`-Dmaven.repo.local=${join(temporary, '.m2')}`];
  }
}
