import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

const RUNTIME = fileURLToPath(new URL('../../dist/runtime', import.meta.url));

/** A service whose stop takes `stopMs`. */
const SERVICE = (stopMs: number): string => `
  import { createLogger } from '${RUNTIME}/logger.js';
  import { runService } from '${RUNTIME}/lifecycle.js';
  await runService(createLogger('service', 'info'), async ({ resources }) => {
    const alive = setInterval(() => {}, 1_000);
    resources.push('slow', () => new Promise((resolve) => setTimeout(resolve, ${stopMs})));
    resources.push('alive', () => clearInterval(alive));
    console.log('started');
  });`;

let service: ChildProcess;
let output = '';
afterEach(() => service.kill('SIGKILL'));

async function start(stopMs: number): Promise<void> {
  output = '';
  service = spawn(process.execPath, ['--input-type=module', '-e', SERVICE(stopMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  service.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await printed('started');
}

async function printed(text: string): Promise<void> {
  while (!output.includes(text)) await once(service.stdout!, 'data');
}

const exitCode = async (): Promise<unknown> => (await once(service, 'exit'))[0];

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s twice within a second is one request: it stops gracefully',
  async (signal) => {
    await start(300);
    const exit = exitCode();
    service.kill(signal);
    await printed('"stopping"');
    service.kill(signal);
    service.kill(signal);
    expect([await exit, output.includes('stopping at once')]).toEqual([0, false]);
  },
);

test('another signal ends it at once', async () => {
  await start(60_000);
  const exit = exitCode();
  service.kill('SIGINT');
  await printed('"stopping"');
  service.kill('SIGTERM');
  expect(await exit).toBe(1);
});

test('the same signal after more than a second ends it at once', async () => {
  await start(60_000);
  const exit = exitCode();
  service.kill('SIGINT');
  await printed('"stopping"');
  await delay(1_100);
  service.kill('SIGINT');
  expect(await exit).toBe(1);
});
