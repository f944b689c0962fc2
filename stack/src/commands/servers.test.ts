import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf, identityOf } from '../processes/process-identity.js';
import { stackPaths } from '../stack-paths.js';
import { eventually } from '../testing/eventually.js';

const SCRIPT = new URL('../../dist/commands/servers.js', import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'servers-test-'));
  const { programs } = stackPaths('servers');
  mkdirSync(programs, { recursive: true });
  symlinkSync(programs, join(folder, 'programs'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a signal that comes twice, as npm passes Ctrl-C on, stops all servers in order and ends with 0', async () => {
  const servers = spawn(process.execPath, [SCRIPT, 'ctrl-c'], {
    env: { ...process.env, STACK_DIRECTORY: folder, NODE_OPTIONS: '' },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [servers.stdout, servers.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  try {
    await eventually('the servers are ready', () => output.includes('Ctrl-C stops the servers'), 90_000);
    const processes = [servers.pid!, ...descendantsOf(servers.pid!)];
    expect(processes.length).toBeGreaterThan(4);
    const exit = once(servers, 'exit');
    const length = output.length;
    process.kill(-servers.pid!, 'SIGINT');
    await eventually('it begins to stop', () => output.length > length);
    process.kill(servers.pid!, 'SIGINT');
    expect(await exit).toEqual([0, null]);
    expect(output.match(/ stopped \(/g)).toHaveLength(3);
    expect(processes.map(identityOf).filter(Boolean)).toEqual([]);
    expect(existsSync(join(folder, 'ctrl-c', 'stack.env'))).toBe(false);
  } finally {
    servers.kill('SIGKILL');
  }
}, 120_000);
