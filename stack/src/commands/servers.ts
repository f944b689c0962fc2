import { shutdownSignal, aborted } from './shutdown-signal.js';
import { startStack } from '../stack.js';

/** `npm run stack [NAME]`: the servers alone, until Ctrl-C. */
const name = process.argv[2] ?? 'servers';
const print = (line: string): void => console.log(line);
// Whoever read our lines (a pager, a closed terminal) may go; the servers are to be stopped in order all the same.
process.stdout.on('error', () => undefined);

const signal = shutdownSignal();

try {
  const stack = await startStack({ name, onProgress: print, signal });
  print(`
Variables:  set -a; . '${stack.envFile}'; set +a
With them:  npm run --silent sql -- 'SELECT version()'
            npm run --silent redis -- info server
Kafka:      bootstrap server ${stack.env['KAFKA_BROKER']}
Logs:       ${stack.logDirectory}
Ctrl-C stops the servers; their data is kept for the next time.`);
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
