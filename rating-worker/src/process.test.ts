import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('Ctrl-C on `npm start -w rating-worker`, which reaches it twice, is a graceful stop with exit code 0', async () => {
  // A process group of its own, as a terminal makes one; no server anywhere, so that it waits for Redis.
  const npm = spawn('npm', ['start', '-w', 'rating-worker'], {
    cwd: ROOT,
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      REDIS_PORT: '1',
      DATABASE_PORT: '1',
      RATING_WORKER_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  npm.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  while (!output.includes('waiting for Redis')) await once(npm.stdout, 'data');
  const exit = once(npm, 'exit');
  process.kill(-npm.pid!, 'SIGINT');
  const [code] = (await exit) as [number | null];
  expect([code, output.includes('stopping at once')]).toEqual([0, false]);
  expect(output).toContain('"stopped"');
});
