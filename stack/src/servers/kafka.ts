import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaEnvironment, kafkaProperties, smallJvm } from './kafka-configuration.js';
import { KAFKA_VERSION, type KafkaPrograms } from './programs/kafka.js';
import { type ServerDefinition } from './managed-server.js';
import { runCommand } from '../processes/run-command.js';
import { type StackPaths } from '../stack-paths.js';

const LOG_SETTINGS = fileURLToPath(new URL('../../kafka/log4j2.properties', import.meta.url));

export interface KafkaOptions {
  paths: Pick<StackPaths, 'directory' | 'logs' | 'pids'>;
  programs: KafkaPrograms;
  port: number;
  controllerPort: number;
  /** Settings as in server.properties, over the defaults here. */
  settings: Readonly<Record<string, string>>;
  /** Options of the Java machine. */
  javaArguments?: readonly string[];
  stopTimeoutMs?: number;
  /** An empty node that has been formatted already, to be copied. */
  formatted?: string | undefined;
}

/** A Kafka of our own: one node, broker and controller in one, on loopback only. */
export function kafkaServer(options: KafkaOptions): ServerDefinition {
  const { paths, programs, port, controllerPort, settings, javaArguments = [], stopTimeoutMs, formatted } = options;
  const home = join(paths.directory, 'kafka');
  const data = join(home, 'data');
  const classPath = join(programs.jars, '*');

  /** Made under another name and renamed, so that an interrupted format is not taken for a whole one. */
  const format = async (): Promise<void> => {
    const draft = join(home, 'data.new');
    await rm(draft, { recursive: true, force: true });
    await rm(data, { recursive: true, force: true });
    if (formatted === undefined) {
      await writeFile(join(home, 'format.properties'), kafkaProperties(port, controllerPort, 'data.new', settings));
      const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
      const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', 'format.properties'];
      const options = { cwd: home, env: kafkaEnvironment() };
      await runCommand(programs.java, [...smallJvm(), '-cp', classPath, ...tool], options);
    } else {
      await cp(formatted, draft, { recursive: true });
    }
    await rename(draft, data);
  };

  return {
    name: `Kafka ${KAFKA_VERSION}`,
    port,
    logFile: join(paths.logs, 'kafka.log'),
    pidFile: join(paths.pids, 'kafka.pid'),
    dataDirectory: data,
    stopSignal: 'SIGTERM',
    ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    readyTimeoutMs: 120_000,
    prepare: async () => {
      await mkdir(home, { recursive: true });
      await writeFile(join(home, 'server.properties'), kafkaProperties(port, controllerPort, 'data', settings));
      await copyFile(LOG_SETTINGS, join(home, 'log4j2.properties'));
      if (!existsSync(join(data, 'meta.properties'))) await format();
    },
    erase: () => rm(home, { recursive: true, force: true }),
    launch: () => ({
      command: programs.java,
      args: ['-Xmx512m', ...smallJvm(), ...javaArguments, '-cp', classPath, 'kafka.Kafka', 'server.properties'],
      cwd: home,
      env: kafkaEnvironment(),
    }),
    answers: () => answers(port),
  };
}

/** It answers when its broker is in service and every partition that it holds has a leader. */
async function answers(port: number): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'stack',
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (brokers.length === 0) return false;
    const { topics } = await admin.fetchTopicMetadata();
    return topics.every((topic) => topic.partitions.every((partition) => partition.leader >= 0));
  } finally {
    await admin.disconnect();
  }
}
