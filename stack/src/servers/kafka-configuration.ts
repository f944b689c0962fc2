/** The settings of one node that is broker and controller in one, on loopback only. */
export function kafkaProperties(
  port: number,
  controllerPort: number,
  dataFolder: string,
  settings: Readonly<Record<string, string>>,
): string {
  return Object.entries({ ...defaults(port, controllerPort), ...settings, 'log.dirs': dataFolder })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
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
