import { spawn, type ChildProcess } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pretty from 'pino-pretty';
import { aborted, shutdownSignal } from './shutdown-signal.js';
import { servicePorts } from './service-ports.js';
import { startSystem } from '../system.js';

/** `npm run dev`: the product with the compiler watching; a change restarts the service it is in. Logs are made readable. */
const print = (line: string): void => console.log(line);
const repository = fileURLToPath(new URL('../../..', import.meta.url));

function watchSources(): ChildProcess {
  const compiler = createRequire(import.meta.url).resolve('typescript/lib/tsc.js');
  return spawn(process.execPath, [compiler, '-b', '--watch', '--preserveWatchOutput', 'graph-api', 'rating-worker'], {
    cwd: repository,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** Prints what is appended to a service's log until the signal is aborted. */
async function followLog(file: string, signal: AbortSignal): Promise<void> {
  const stream = pretty({
    colorize: process.stdout.isTTY,
    ignore: 'pid,time,service',
    messageFormat: '[{service}] {msg}',
  });
  let offset = existsSync(file) ? statSync(file).size : 0;
  while (!signal.aborted) {
    const size = existsSync(file) ? statSync(file).size : 0;
    if (size > offset) {
      const lines = createInterface({ input: createReadStream(file, { start: offset, end: size - 1 }) });
      for await (const line of lines) stream.write(`${line}\n`);
      offset = size;
    }
    await delay(200, undefined, { signal }).catch(() => undefined);
  }
}

const signal = shutdownSignal(() => print('\nStopping …'));
let compiler: ChildProcess | undefined;
try {
  const ports = servicePorts(process.env);
  const system = await startSystem({
    name: 'dev',
    apis: { port: ports.api },
    workers: { port: ports.worker },
    nodeArgs: ['--watch', '--watch-preserve-output'],
    environment: { API_DOCS_ACTIVE: 'true', RATING_PERSISTENCE_INTERVAL_MS: '1000', ...process.env },
    signal,
    onProgress: print,
  });
  try {
    compiler = watchSources();
    print(`\nGraphQL  ${system.graphqlUrl}`);
    print(`Token    ${await system.token({ subject: 'root', admin: true })}`);
    print('A saved file is compiled, and its service restarts. Ctrl-C stops everything.\n');
    for (const name of ['graph-api', 'rating-worker'])
      void followLog(`${system.stack.logDirectory}/${name}.log`, signal);
    await aborted(signal);
  } finally {
    compiler?.kill();
    await system.stop();
  }
} catch (error) {
  if (!signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
