import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../servers/ports.js';
import { identityOf } from './process-identity.js';
import { startServiceProcess, type ServiceProcess, type ServiceProcessOptions } from './service-process.js';
import { supervise, type SupervisedProcess, type SupervisorOptions } from './supervisor.js';
import { waitUntil } from '../wait-until.js';

const SERVER = `
  import { createServer } from 'node:http';
  let requests = 0;
  const server = createServer((request, response) => {
    // Like a service that waits for its servers: listening, but not ready at once.
    response.statusCode = ++requests > Number(process.env.UNREADY ?? 0) ? 200 : 503;
    response.end();
  });
  server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
  process.on('SIGTERM', () => process.env.STUBBORN ? console.log('no') : server.close(() => process.exit(0)));
`;
const ENDS = `
  console.log('first words');
  console.error('last words');
  if (process.argv[2] === 'signal') process.kill(process.pid, 'SIGKILL');
  process.exitCode = Number(process.argv[2]);
`;

let folder: string;
const running: { stop(): Promise<unknown> }[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'service-'))));
afterEach(async () => {
  await Promise.all(running.splice(0).map((process) => process.stop()));
  rmSync(folder, { recursive: true });
});

async function options(script: string, env: Record<string, string> = {}): Promise<ServiceProcessOptions> {
  const entry = join(folder, 'service.mjs');
  writeFileSync(entry, script);
  const port = await findFreePort();
  return {
    name: 'worker',
    entry,
    env: { ...env, PORT: String(port) },
    logFile: join(folder, 'logs', 'worker.log'),
    readyUrl: `http://127.0.0.1:${port}/ready`,
    pidDirectory: folder,
  };
}

async function start(given: ServiceProcessOptions): Promise<ServiceProcess> {
  const service = await startServiceProcess(given);
  running.push(service);
  return service;
}

describe('a service process', () => {
  test('is ready when its URL answers 200, and stops with its exit code', async () => {
    const service = await start(await options(SERVER, { UNREADY: '3' }));
    expect(readFileSync(service.logFile, 'utf8')).toBe('listening\n');
    expect(readdirSync(folder)).toContain(`worker-${service.pid}.pid`);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.isRunning).toBe(false);
    expect(readdirSync(folder)).not.toContain(`worker-${service.pid}.pid`);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });

  test('that ends too early is reported with its exit code and its last words', async () => {
    const given = { ...(await options(ENDS)), args: ['3'] };
    await expect(startServiceProcess(given)).rejects.toThrow(
      /worker ended \(exit code 3\) before it was ready.*last words/s,
    );
  });

  test('that does not become ready in time is reported and killed', async () => {
    const given = await options(`${SERVER}; console.log('pid', process.pid)`, { UNREADY: '9999' });
    await expect(startServiceProcess({ ...given, readyTimeoutMs: 2_000 })).rejects.toThrow(/not ready within 2.0 s/);
    const pid = Number(/pid (\d+)/.exec(readFileSync(given.logFile, 'utf8'))?.[1]);
    expect(pid).toBeGreaterThan(1);
    expect(identityOf(pid)).toBeUndefined();
  });

  test('that ignores SIGTERM is killed; one that is frozen still stops cleanly', async () => {
    const stubborn = await start(await options(SERVER, { STUBBORN: 'yes' }));
    expect(await stubborn.stop(300)).toEqual({ code: null, signal: 'SIGKILL' });
    const frozen = await start(await options(SERVER));
    frozen.pause();
    expect(await frozen.stop()).toEqual({ code: 0, signal: null });
  });

  test('is killed at once, and gets nothing of our environment', async () => {
    process.env['SECRET_OF_OURS'] = 'x';
    const service = await start(await options(`${SERVER}; console.log('secret', process.env.SECRET_OF_OURS)`));
    delete process.env['SECRET_OF_OURS'];
    expect(await service.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(readFileSync(service.logFile, 'utf8')).toContain('secret undefined');
  });
});

describe('the supervisor', () => {
  let lines: string[];
  beforeEach(() => (lines = []));

  function run(given: ServiceProcessOptions & Partial<SupervisorOptions>): SupervisedProcess {
    const supervised = supervise({
      firstDelayMs: 10,
      longestDelayMs: 40,
      onRestart: (line) => lines.push(line),
      ...given,
    });
    running.push(supervised);
    return supervised;
  }

  const pauses = (): (string | undefined)[] => lines.map((line) => /starting it again in (.+) s$/.exec(line)?.[1]);

  test('starts a failing service again with growing pauses, up to the longest one', async () => {
    run({ ...(await options(ENDS)), args: ['1'], firstDelayMs: 100, longestDelayMs: 300 });
    await waitUntil(() => lines.length >= 4, { timeoutMs: 10_000 });
    expect(pauses().slice(0, 4)).toEqual(['0.1', '0.2', '0.3', '0.3']);
    expect(lines[0]).toMatch(/^worker ended \(exit code 1\) after /);
  });

  test('begins with the shortest pause again after a process that lived long enough', async () => {
    run({ ...(await options(ENDS)), args: ['1'], firstDelayMs: 100, longestDelayMs: 300, healthyAfterMs: 1 });
    await waitUntil(() => lines.length >= 3, { timeoutMs: 10_000 });
    expect(pauses().slice(0, 3)).toEqual(['0.1', '0.1', '0.1']);
  });

  test('starts a killed service again, which then is ready', async () => {
    const supervised = run(await options(SERVER));
    await supervised.waitUntilReady();
    const first = supervised.pid;
    await supervised.current?.kill();
    await supervised.waitUntilReady();
    expect(supervised.pid).not.toBe(first);
    expect(supervised.restarts).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/^worker ended \(SIGKILL\)/)]);
    expect(await supervised.stop()).toEqual({ code: 0, signal: null });
    expect(supervised.pid).toBeUndefined();
  });

  test('leaves a service that ended with 0 alone', async () => {
    const supervised = run({ ...(await options(ENDS)), args: ['0'] });
    await expect(supervised.waitUntilReady(5_000)).rejects.toThrow('worker has ended');
    expect(lines).toEqual(['worker ended by itself (exit code 0) and is not started again']);
  });

  test('stops in the middle of a long pause, at once', async () => {
    const supervised = run({
      ...(await options(ENDS)),
      args: ['signal'],
      firstDelayMs: 60_000,
      longestDelayMs: 60_000,
    });
    await waitUntil(() => lines.length === 1, { timeoutMs: 10_000 });
    const began = Date.now();
    await supervised.stop();
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(lines).toHaveLength(1);
  });
});
