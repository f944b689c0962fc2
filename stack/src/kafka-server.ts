import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { KAFKA_VERSION, type KafkaPrograms } from './kafka-programs.js';
import { type ServerDefinition } from './managed-server.js';
import { runCommand } from './run-command.js';
import { type StackPaths } from './stack-paths.js';

const LOG_SETTINGS = fileURLToPath(new URL('../kafka/log4j2.properties', import.meta.url));

export interface KafkaOptions {
  paths: StackPaths;
  programs: KafkaPrograms;
  port: number;
  controllerPort: number;
  /** Settings as in server.properties, over the defaults here. */
  settings: Record<string, string>;
}

/** A Kafka of our own: one node, broker and controller in one, on loopback only. */
export function kafkaServer({ paths, programs, port, controllerPort, settings }: KafkaOptions): ServerDefinition {
  const home = join(paths.directory, 'kafka');
  const data = join(home, 'data');
  const classPath = join(programs.jars, '*');
  return {
    name: `Kafka ${KAFKA_VERSION}`,
    port,
    logFile: join(paths.logs, 'kafka.log'),
    pidFile: join(paths.pids, 'kafka.pid'),
    dataDirectory: data,
    stopSignal: 'SIGTERM',
    readyTimeoutMs: 120_000,
    prepare: async () => {
      await mkdir(home, { recursive: true });
      const all = { ...defaults(port, controllerPort), ...settings };
      const properties = (folder: string): string =>
        Object.entries({ ...all, 'log.dirs': folder })
          .map(([name, value]) => `${name}=${value}\n`)
          .join('');
      await writeFile(join(home, 'server.properties'), properties('data'));
      await copyFile(LOG_SETTINGS, join(home, 'log4j2.properties'));
      if (existsSync(join(data, 'meta.properties'))) return;
      // Formatted under another name and renamed, so that an interrupted format is not taken for a whole one.
      await rm(join(home, 'data.new'), { recursive: true, force: true });
      await rm(data, { recursive: true, force: true });
      await writeFile(join(home, 'format.properties'), properties('data.new'));
      const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
      await runCommand(
        programs.java,
        [
          ...smallJvm(),
          '-cp',
          classPath,
          'kafka.tools.StorageTool',
          'format',
          '-t',
          clusterId,
          '-c',
          'format.properties',
        ],
        { cwd: home, env: programEnvironment() },
      );
      await rename(join(home, 'data.new'), data);
    },
    erase: () => rm(home, { recursive: true, force: true }),
    launch: () => ({
      command: programs.java,
      args: ['-Xmx512m', ...smallJvm(), '-cp', classPath, 'kafka.Kafka', 'server.properties'],
      cwd: home,
      env: programEnvironment(),
    }),
    answers: () => answers(port),
  };
}

function defaults(port: number, controllerPort: number): Record<string, string> {
  return {
    'node.id': '1',
    'process.roles': 'broker,controller',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker may register again once its old session is over: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '8388608',
  };
}

function smallJvm(): string[] {
  return [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    '-Djava.net.preferIPv4Stack=true',
    '-Dlog4j2.configurationFile=log4j2.properties',
  ];
}

/** KAFKA_OPTS, CLASSPATH, JAVA_TOOL_OPTIONS and the like of the caller are not for this server. */
function programEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, JAVA_HOME } = process.env;
  return { PATH, HOME, JAVA_HOME, LC_ALL: 'C' };
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
