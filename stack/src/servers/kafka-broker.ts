import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaEnvironment, kafkaProperties, smallJvm, type KafkaNode } from './kafka-configuration.js';
import { HOST, type ServerDefinition } from './managed-server.js';
import { findFreePort } from './ports.js';
import { KAFKA_VERSION, type KafkaPrograms } from './programs/kafka.js';

const LOG_SETTINGS = fileURLToPath(new URL('../../kafka/log4j2.properties', import.meta.url));

/** Nodes on free ports, numbered from 1. */
export async function chooseNodes(count: number): Promise<KafkaNode[]> {
  const nodes: KafkaNode[] = [];
  for (let id = 1; id <= count; id += 1) {
    nodes.push({ id, port: await findFreePort(), controllerPort: await findFreePort() });
  }
  return nodes;
}

export interface BrokerOptions {
  readonly node: KafkaNode;
  /** All nodes of the cluster, this one included. */
  readonly nodes: readonly KafkaNode[];
  /** Settings as in server.properties, over those of the stack. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly jvmArguments?: readonly string[];
  readonly stopTimeoutMs?: number;
}

/** One broker in a folder of its own. */
export function defineBroker(
  paths: { readonly directory: string; readonly logs: string; readonly pids: string },
  { java, jars }: KafkaPrograms,
  { node, nodes, settings = {}, jvmArguments = [], stopTimeoutMs }: BrokerOptions,
): ServerDefinition {
  const folder = nodes.length === 1 ? 'kafka' : `kafka-${node.id}`;
  const home = join(paths.directory, folder);
  const data = join(home, 'data');
  return {
    name: `Kafka ${KAFKA_VERSION}${nodes.length === 1 ? '' : ` #${node.id}`}`,
    port: node.port,
    otherPorts: [node.controllerPort],
    logFile: join(paths.logs, `${folder}.log`),
    pidDirectory: paths.pids,
    dataDirectory: data,
    stopSignal: 'SIGTERM',
    ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    readyTimeoutMs: 120_000,
    command: java,
    args: ['-Xmx512m', ...smallJvm(), ...jvmArguments, '-cp', join(jars, '*'), 'kafka.Kafka', 'server.properties'],
    cwd: home,
    env: kafkaEnvironment(),
    prepare: async () => {
      await mkdir(data, { recursive: true });
      await writeFile(join(home, 'server.properties'), kafkaProperties(node, nodes, settings));
      await copyFile(LOG_SETTINGS, join(home, 'log4j2.properties'));
      if (!existsSync(join(data, 'meta.properties'))) await format(data, node.id);
    },
    erase: () => rm(home, { recursive: true, force: true }),
    isReady: () => answers(node),
  };
}

/** All nodes of a cluster must agree on it; it is no secret and need not be unique, since each stack has ports of its own. */
const CLUSTER_ID = 'ZXhhY3QtcmF0aW5ncy0wMQ';

/**
 * Marks an empty folder as a node's own. kafka-storage.sh does no more for a cluster whose voters stand in
 * server.properties, and takes two seconds of Java for it.
 */
async function format(data: string, id: number): Promise<void> {
  const directoryId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  const lines = ['version=1', `cluster.id=${CLUSTER_ID}`, `node.id=${id}`, `directory.id=${directoryId}`];
  await writeFile(join(data, 'meta.properties'), lines.map((line) => `${line}\n`).join(''));
}

/** A broker answers when it is in service itself and every partition of the cluster has a leader. */
async function answers({ id, port }: KafkaNode): Promise<boolean> {
  const admin = new Kafka({
    clientId: 'stack',
    brokers: [`${HOST}:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (!brokers.some(({ nodeId }) => nodeId === id)) return false;
    const { topics } = await admin.fetchTopicMetadata();
    return topics.every((topic) => topic.partitions.every(({ leader }) => leader >= 0));
  } finally {
    await admin.disconnect();
  }
}
