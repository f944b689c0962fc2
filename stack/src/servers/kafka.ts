import { chooseNodes, defineBroker } from './kafka-broker.js';
import { kafkaClassArchive } from './kafka-class-archive.js';
import { HOST } from './managed-server.js';
import { provideKafka } from './programs/kafka.js';
import type { Planner, ServerContext } from './server-context.js';

/** A Kafka of our own: one node or three, each of them broker and controller in one. */
export async function prepareKafka(context: ServerContext): Promise<Planner> {
  const { paths, settings } = context;
  const programs = await provideKafka(context);
  const archive = await kafkaClassArchive(programs, context);
  return async () => {
    const nodes = await chooseNodes(settings.kafkaBrokers);
    const definitions = nodes.map((node) =>
      defineBroker(paths, programs, { node, nodes, settings: settings.kafkaSettings, jvmArguments: archive }),
    );
    const brokers = nodes.map(({ port }) => `${HOST}:${port}`).join(',');
    return { definitions, env: { KAFKA_BROKER: brokers, KAFKA_PORT: String(nodes[0]!.port) } };
  };
}
