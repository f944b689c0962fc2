import { parseArgs } from 'node:util';
import { configOrExit } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readRatingWorkerConfig } from '../config.js';
import { DeadLetterArchive, type DeadLetter } from '../dead-letters/dead-letter-topic.js';

const USAGE = `Lists the messages that broke the contract, or sends them back to where they came from.

  npm run dead-letters -w rating-worker -- list [--all] [--json]
  npm run dead-letters -w rating-worker -- replay [--all | --offset PARTITION:OFFSET]

  --all     also those that have been replayed already
  --json    one JSON object a line, with the original bytes in base64
  --offset  only this one, wherever it lies; as "list" shows it

Connects as KAFKA_* in the environment say. A letter that still breaks the contract comes back as a new one.
`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function readArguments(): { command: string; all: boolean; json: boolean; offset: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        all: { type: 'boolean' },
        json: { type: 'boolean' },
        offset: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const [command, ...rest] = positionals;
    if (rest.length > 0 || (command !== 'list' && command !== 'replay')) throw new Error('say "list" or "replay"');
    const { offset } = values;
    if (offset !== undefined && (command === 'list' || !/^\d+:\d+$/.test(offset))) {
      throw new Error('--offset belongs to "replay" and takes PARTITION:OFFSET, such as 0:17');
    }
    return { command, all: values.all ?? false, json: values.json ?? false, offset };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

const { command, all, json, offset } = readArguments();
const config = configOrExit(() => readRatingWorkerConfig(process.env));
const { deadLetterTopic, brokers } = config.kafka;
const archive = new DeadLetterArchive(
  createKafkaClient(config.kafka, 'dead-letters', createLogger('dead-letters', 'silent')),
  deadLetterTopic,
  `${config.consumer.groupId}.replayed-dead-letters`,
);

try {
  if (command === 'list') await list();
  else await replay();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)} (Kafka: ${brokers.join(', ')})\n`);
  process.exitCode = 1;
}

async function list(): Promise<void> {
  let count = 0;
  await archive.visit(all, (letter) => {
    count += 1;
    say(json ? describeAsJson(letter) : describe(letter));
  });
  if (!json) say(`${count} dead letters in ${deadLetterTopic}${all ? '' : ' not replayed yet'}`);
}

async function replay(): Promise<void> {
  const wanted = (letter: DeadLetter): boolean => offset === undefined || placeOf(letter) === offset;
  const { replayed, skipped } = await archive.replay(wanted, all || offset !== undefined);
  say(`${replayed} dead letters replayed`);
  if (skipped > 0) say(`${skipped} left out: too large for the dead-letter topic; "list" says where the originals are`);
  if (offset !== undefined && replayed + skipped === 0) {
    process.stderr.write(`there is no dead letter ${offset}\n`);
    process.exitCode = 1;
  }
}

function placeOf({ partition, offset: position }: DeadLetter): string {
  return `${partition}:${position}`;
}

function describe(letter: DeadLetter): string {
  const { key, value, reason, source, omittedBytes } = letter;
  const text = value === null ? 'null' : JSON.stringify(value.subarray(0, 120).toString('utf8'));
  const size = omittedBytes === undefined ? '' : ` (${omittedBytes} bytes, too large to be here)`;
  const from = `${source.topic}, partition ${source.partition}, offset ${source.offset}`;
  return `${placeOf(letter)}  ${reason}\n    from ${from}\n    key ${key === null ? 'null' : JSON.stringify(key.toString('utf8'))}, value ${text}${size}`;
}

function describeAsJson(letter: DeadLetter): string {
  const { partition, offset: position, key, value, reason, source, omittedBytes } = letter;
  const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;
  return JSON.stringify({
    partition,
    offset: position,
    reason,
    source,
    omittedBytes,
    key: base64(key),
    value: base64(value),
  });
}
