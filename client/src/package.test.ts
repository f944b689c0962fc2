import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildSchema, graphql } from 'graphql';

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL('../', import.meta.url));
const ROOT = join(CLIENT, '..');

/** What the API would answer; the schema is the real one, so operations that it does not have fail. */
const API = {
  products: { nodes: [productNamed('Desk lamp')], pageInfo: { hasNextPage: false, hasPreviousPage: false } },
  product: { id: 'p1', rating: { average: 4.5, count: 2, distribution: [], version: 2 } },
  createReview: ({ input }: { input: { rating: number } }) => ({
    review: reviewOf(input.rating),
    product: { id: 'p1', averageRating: 4.5, reviewCount: 2 },
    ratingVersion: 2,
    userErrors: [],
  }),
};

function productNamed(name: string) {
  const price = { amount: '1.00', currencyCode: 'EUR' };
  return { id: 'p1', name, price, version: 1, createdAt: 'x', updatedAt: 'x', averageRating: 4, reviewCount: 1 };
}

function reviewOf(rating: number) {
  return {
    id: 'r1',
    rating,
    status: 'PUBLISHED',
    verifiedPurchase: false,
    helpfulCount: 0,
    version: 1,
    createdAt: 'x',
    updatedAt: 'x',
  };
}

let project: string;
let unpacked: string;
let server: Server;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const schema = buildSchema(await readFile(join(ROOT, 'graph-api/schema.graphql'), 'utf8'));
  server = createServer(async (request, response) => {
    const { query, variables } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const result = await graphql({ schema, source: query, variableValues: variables, rootValue: API });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;

  project = await mkdtemp(join(tmpdir(), 'client-consumer-'));
  env = { PATH: process.env['PATH'], HOME: process.env['HOME'], RATINGS_URL: `http://127.0.0.1:${port}/graphql` };
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: CLIENT });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`, '@types/node@20'];
  await run('npm', install, { cwd: project });
  unpacked = join(project, 'node_modules/@exact-ratings/client');
}, 120_000);

afterAll(async () => {
  server.close();
  await rm(project, { recursive: true, force: true });
});

/** The consumer's example of the README. */
async function example(): Promise<string> {
  const readme = await readFile(join(CLIENT, 'README.md'), 'utf8');
  return /```js\n([^]*?)```/.exec(readme)![1]!;
}

test('runs the example of its README in a JavaScript project', async () => {
  await writeFile(join(project, 'example.js'), await example());
  const { stdout } = await run(process.execPath, ['example.js'], { cwd: project, env });
  expect(stdout).toBe('Desk lamp: 4 (1)\nnow 4.5 of 2\n');
});

test.each([
  // The types of graphql-request name the DOM's.
  ['nodenext', ['ES2023'], true],
  ['bundler', ['ES2023', 'DOM'], false],
])(
  'is typed for a strict TypeScript project with %s resolution',
  async (moduleResolution, lib, skipLibCheck) => {
    const folder = join(project, moduleResolution);
    await mkdir(folder);
    const wrong = `
    // @ts-expect-error: no such code
    if (createReview.userErrors[0]?.code === 'MISSPELT') throw createReview;`;
    await writeFile(join(folder, 'example.ts'), (await example()).replace(/\n\n {2}\/\/ What a person/, `${wrong}$&`));
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
    const strictest = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    const compilerOptions = {
      ...strictest,
      module,
      moduleResolution,
      skipLibCheck,
      target: 'es2023',
      lib,
      types: ['node'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '--noEmit', '-p', folder], { cwd: project }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  },
  60_000,
);

test('brings source maps with their sources, its licence, and no test', async () => {
  const files = await readdir(unpacked, { recursive: true });
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']));
  expect(files.filter((file) => /test|tsbuildinfo/.test(file))).toEqual([]);
  const maps = files.filter((file) => file.endsWith('.map'));
  expect(maps.length).toBeGreaterThan(0);
  for (const map of maps) {
    const { sources } = JSON.parse(await readFile(join(unpacked, map), 'utf8')) as { sources: string[] };
    for (const source of sources) await readFile(resolve(unpacked, dirname(map), source));
  }
});

test('hides its inner files and needs no package of ours', async () => {
  const inner = `import('@exact-ratings/client/dist/errors.js').catch(({ code }) => console.log(code))`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', inner], { cwd: project });
  expect(stdout.trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  const { dependencies } = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));
  expect(Object.keys(dependencies)).toEqual(['graphql', 'graphql-request']);
  expect(await readdir(join(project, 'node_modules/@exact-ratings'))).toEqual(['client']);
});
