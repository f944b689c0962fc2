import { HOST } from './managed-server.js';

/** One node of a cluster, broker and controller in one. */
export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
}

/** The text of a node's server.properties; `settings` come over the defaults. */
export function kafkaProperties(
  node: KafkaNode,
  nodes: readonly KafkaNode[],
  settings: Readonly<Record<string, string>>,
): string {
  return Object.entries({ ...defaults(node, nodes), ...settings, 'log.dirs': 'data' })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function defaults({ id, port, controllerPort }: KafkaNode, nodes: readonly KafkaNode[]): Record<string, string> {
  const voters = nodes.map((node) => `${node.id}@${HOST}:${node.controllerPort}`);
  const replicas = String(nodes.length);
  const inSync = String(Math.max(1, nodes.length - 1));
  return {
    'node.id': String(id),
    'process.roles': 'broker,controller',
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker may register again once its old session is over: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // Leaders go back to their preferred broker soon after it has returned: after up to 5 minutes by default.
    'leader.imbalance.check.interval.seconds': '3',
    'leader.imbalance.per.broker.percentage': '0',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '8388608',
  };
}

/** Options of the Java machine for a small server that starts fast. */
export function smallJvm(): string[] {
  return [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    '-Djava.net.preferIPv4Stack=true',
    '-Dlog4j2.configurationFile=log4j2.properties',
  ];
}

/** KAFKA_OPTS, CLASSPATH, JAVA_TOOL_OPTIONS and the like of the caller are not for this server. */
export function kafkaEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, JAVA_HOME } = process.env;
  return { PATH, HOME, JAVA_HOME, LC_ALL: 'C' };
}
