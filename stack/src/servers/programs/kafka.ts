import { existsSync, readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../processes/run-program.js';
import { progressLine } from '../../progress.js';
import type { ServerContext } from '../server-context.js';
import { provideDirectory } from './downloads.js';
import { hasMaven, runMaven } from './maven.js';

const OLDEST_JAVA = 17;
const POM = fileURLToPath(new URL('../../../kafka/pom.xml', import.meta.url));

export const KAFKA_VERSION = /<kafka.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1] ?? '4';

export interface KafkaPrograms {
  java: string;
  /** `17.0.15` */
  javaVersion: string;
  /** The folder of the jars. */
  jars: string;
}

/**
 * Apache Kafka's jars, from Maven Central at the first use.
 * @throws an error that names what is missing of a JDK and Maven, and how to install it
 */
export async function provideKafka({ paths, onProgress, signal }: ServerContext): Promise<KafkaPrograms> {
  const name = `Kafka ${KAFKA_VERSION}`;
  const jars = join(paths.programs, `kafka-${KAFKA_VERSION}`);
  const java = await findJava(isDownloaded(jars));
  await provideDirectory({
    name,
    directory: jars,
    fill: async (temporary) => {
      onProgress(progressLine(name, 'downloading 43 MB in 45 files from Maven Central …'));
      await copyFile(POM, join(temporary, 'pom.xml'));
      await runMaven(name, ['dependency:copy-dependencies'], temporary, { onProgress, signal });
    },
    isCurrent: isDownloaded,
    onProgress,
  });
  return { ...java, jars };
}

/** The jars lie beside the pom that asked for them: another pom makes them outdated. */
function isDownloaded(jars: string): boolean {
  const copy = join(jars, 'pom.xml');
  return existsSync(copy) && readFileSync(copy, 'utf8') === readFileSync(POM, 'utf8');
}

async function findJava(needsNoMaven: boolean): Promise<Omit<KafkaPrograms, 'jars'>> {
  const java = await usableJava();
  const maven = needsNoMaven || (await hasMaven());
  if (java !== undefined && maven) return java;
  const needs = [
    ...(java === undefined ? [`a JDK ${OLDEST_JAVA} or newer (command java)`] : []),
    ...(maven ? [] : ['Maven (command mvn)']),
  ];
  const debian = [...(java === undefined ? ['default-jdk-headless'] : []), ...(maven ? [] : ['maven'])];
  const brew = [...(java === undefined ? ['openjdk'] : []), ...(maven ? [] : ['maven'])];
  throw new Error(
    `Apache Kafka needs ${needs.join(' and ')}, not found on the PATH. Install it: ` +
      `\`apt-get install ${debian.join(' ')}\` (Debian, Ubuntu; as root or with sudo) or ` +
      `\`brew install ${brew.join(' ')}\` (macOS; put openjdk on the PATH as brew tells you).`,
  );
}

async function usableJava(): Promise<Omit<KafkaPrograms, 'jars'> | undefined> {
  const home = process.env['JAVA_HOME'];
  for (const java of [...(home ? [join(home, 'bin', 'java')] : []), 'java']) {
    const { failed, stdout, stderr } = await runProgram(java, ['-version']);
    // "17.0.15"; up to Java 8 it was "1.8.0".
    const javaVersion = /version "([\w.+-]+)"/.exec(`${stdout}${stderr}`)?.[1];
    if (!failed && javaVersion !== undefined && Number.parseInt(javaVersion) >= OLDEST_JAVA)
      return { java, javaVersion };
  }
  return undefined;
}
