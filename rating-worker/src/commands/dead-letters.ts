import { parseArgs } from 'node:util';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import type { Environment } from '@exact-ratings/shared/config/env-reader.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readRatingWorkerConfig } from '../config.js';
import { DeadLetterTopic, type DeadLetter } from '../dead-letters/dead-letter-topic.js';
import { EXIT, print, UsageError, type Command } from './command.js';

const USAGE = `Lists the messages that broke the contract, or sends them back to where they came from.

  npm run ratings -- dead-letters list [--all] [--json]
  npm run ratings -- dead-letters replay [--all | --offset PARTITION:OFFSET]

  --all     also those that have been replayed already
  --json    one JSON object a line, with the original bytes in base64
  --offset  only this one, wherever it lies; as "list" shows it

A letter that still breaks the contract comes back as a new one.
Exit code: 0 done, 1 there is no such letter, 3 it failed.
`;

interface Arguments {
  readonly action: 'list' | 'replay';
  readonly all: boolean;
  readonly json: boolean;
  readonly offset: string | undefined;
}

export const deadLetters: Command = {
  usage: USAGE,
  run: async (args, environment) => {
    const parsed = readArguments(args);
    const { topic, name, brokers } = openTopic(environment);
    try {
      return parsed.action === 'list' ? await list(topic, name, parsed) : await replay(topic, parsed);
    } catch (error) {
      throw new Error(`${errorMessage(error)} (Kafka: ${brokers})`, { cause: error });
    }
  },
};

function readArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { all: { type: 'boolean' }, json: { type: 'boolean' }, offset: { type: 'string' } },
    });
    const [action, ...rest] = positionals;
    if (rest.length > 0 || (action !== 'list' && action !== 'replay')) throw new Error('either "list" or "replay"');
    const { offset } = values;
    if (offset !== undefined && (action === 'list' || !/^\d+:\d+$/.test(offset))) {
      throw new Error('--offset belongs to "replay" and takes PARTITION:OFFSET, such as 0:17');
    }
    return { action, all: values.all ?? false, json: values.json ?? false, offset };
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

function openTopic(environment: Environment): { topic: DeadLetterTopic; name: string; brokers: string } {
  const { kafka, consumer } = readRatingWorkerConfig(environment);
  const client = createKafkaClient(kafka, 'dead-letters', createLogger('dead-letters', 'silent'));
  const topic = new DeadLetterTopic(client, kafka.deadLetterTopic, `${consumer.groupId}.replayed-dead-letters`);
  return { topic, name: kafka.deadLetterTopic, brokers: kafka.brokers.join(', ') };
}

async function list(topic: DeadLetterTopic, name: string, { all, json }: Arguments): Promise<number> {
  let count = 0;
  await topic.visit(all, (letter) => {
    count += 1;
    print(json ? formatJson(letter) : formatText(letter));
  });
  if (!json) print(`${count} dead letters in ${name}${all ? '' : ' not replayed yet'}`);
  return EXIT.OK;
}

async function replay(topic: DeadLetterTopic, { all, offset }: Arguments): Promise<number> {
  const wanted = (letter: DeadLetter): boolean => offset === undefined || placeOf(letter) === offset;
  const { replayed, skipped } = await topic.replay(wanted, all || offset !== undefined);
  print(`${replayed} dead letters replayed`);
  if (skipped > 0)
    print(`${skipped} left out: too large for the dead-letter topic; "list" says where the originals are`);
  if (offset === undefined || replayed + skipped > 0) return EXIT.OK;
  process.stderr.write(`there is no dead letter ${offset}\n`);
  return EXIT.FINDINGS;
}

function placeOf({ partition, offset }: DeadLetter): string {
  return `${partition}:${offset}`;
}

function formatText(letter: DeadLetter): string {
  const { key, value, reason, source, omittedBytes } = letter;
  const text = value === null ? 'null' : JSON.stringify(value.subarray(0, 120).toString('utf8'));
  const size = omittedBytes === undefined ? '' : ` (${omittedBytes} bytes, too large to be here)`;
  const from = `${source.topic}, partition ${source.partition}, offset ${source.offset}`;
  return `${placeOf(letter)}  ${reason}\n    from ${from}\n    key ${key === null ? 'null' : JSON.stringify(key.toString('utf8'))}, value ${text}${size}`;
}

function formatJson(letter: DeadLetter): string {
  const { partition, offset, key, value, reason, source, omittedBytes } = letter;
  const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;
  return JSON.stringify({
    partition,
    offset,
    reason,
    source,
    omittedBytes,
    key: base64(key),
    value: base64(value),
  });
}
