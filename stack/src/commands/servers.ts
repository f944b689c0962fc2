import { aborted, shutdownSignal } from './shutdown-signal.js';
import { shellQuote } from './shell-quote.js';
import { startStack } from '../stack.js';

const name = process.argv[2] ?? 'servers';
const print = (line: string): void => console.log(line);
// Whoever read our lines (a pager, a closed terminal) may go; the servers are to be stopped in order all the same.
process.stdout.on('error', () => undefined);

const signal = shutdownSignal();

try {
  const stack = await startStack({ name, onProgress: print, signal });
  const { psql, redisCli } = stack.commands;
  print('');
  print(`Variables:  set -a; . ${shellQuote(stack.envFile)}; set +a`);
  print(`psql:       ${psql ?? 'not installed here (apt-get install postgresql-client); any client will do'}`);
  print(`redis-cli:  ${redisCli ?? 'not installed here (apt-get install redis-tools); any client will do'}`);
  print(`Kafka:      bootstrap server ${stack.env['KAFKA_BROKER']}`);
  print(`Logs:       ${stack.logDirectory}`);
  print('Ctrl-C stops the servers; their data is kept for the next time.');
  await aborted(signal);
  print('');
  await stack.stop();
} catch (error) {
  if (signal.aborted) {
    print('Stopped before all servers were ready.');
  } else {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
