import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGraphApiConfig } from '../../graph-api/dist/config.js';
import { readRatingWorkerConfig } from '../../rating-worker/dist/config.js';
import { readEnvExample, ROOT } from './env-example.js';

const ENTRIES = ['graph-api/dist/main.js', 'graph-api/dist/migrate.js', 'rating-worker/dist/main.js'];
/** Variables that only docker-compose.yml uses. */
const COMPOSE_ONLY = ['KAFKA_HOST_PORT'];
/** The original brief's names, which must stay. */
const BRIEF = [
  ...['DATABASE_USER', 'DATABASE_PASSWORD', 'DATABASE_DB', 'DATABASE_PORT', 'DATABASE_HOST', 'PRODUCT_SERVICE_PORT'],
  ...['REVIEW_PROCESSING_SERVICE_PORT', 'REDIS_PORT', 'REDIS_HOST', 'KAFKA_PORT', 'KAFKA_BROKER', 'KAFKA_TOPIC'],
  ...['API_DOCS_PATH', 'API_DOCS_ACTIVE'],
];
const example = readEnvExample();
const exampleNames = [...Object.keys(example.set), ...Object.keys(example.defaults)];

/** The variables that a service's configuration asks for, from a run that ends at a wrong one. */
function askedBy(entry: string): string[] {
  const preload = join(ROOT, 'deploy/tests/record-environment.mjs');
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', preload, join(ROOT, entry)], {
    env: { DATABASE_PORT: 'wrong' },
    encoding: 'utf8',
  });
  expect([entry, status, stderr]).toEqual([entry, 78, expect.stringContaining('DATABASE_PORT')]);
  return JSON.parse(stdout) as string[];
}

test('.env.example has every variable that the code reads, and no other', () => {
  const asked = new Set(ENTRIES.flatMap(askedBy));
  expect([...exampleNames].sort()).toEqual([...asked, ...COMPOSE_ONLY].sort());
  expect(exampleNames).toEqual(expect.arrayContaining(BRIEF));
});

test('docker-compose.yml uses only variables that .env.example sets or explains', () => {
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  const used = [...compose.matchAll(/(?<!\$)\$\{([A-Z0-9_]+)(:-)?/g)];
  expect(used.length).toBeGreaterThan(0);
  for (const [, name, hasFallback] of used) {
    expect(Object.keys(hasFallback === undefined ? example.set : example.defaults)).toContain(name);
  }
  for (const name of COMPOSE_ONLY) expect(used.map(([, used]) => used)).toContain(name);
});

test('what .env.example comments out is the default of the code', () => {
  const { NODE_ENV: _production, ...defaults } = example.defaults;
  expect(readGraphApiConfig({ ...example.set, ...defaults })).toEqual(readGraphApiConfig(example.set));
  expect(readRatingWorkerConfig({ ...example.set, ...defaults })).toEqual(readRatingWorkerConfig(example.set));
});

test('.env.example is accepted as it is, and refused in production', () => {
  const environment: Record<string, string> = { ...example.set, NODE_ENV: 'production' };
  expect(readGraphApiConfig(environment).production).toBe(false);
  readRatingWorkerConfig(environment);
  const { APP_ENV: _local, ...production } = environment;
  expect(() => readGraphApiConfig(production)).toThrow(
    /JWT_SECRET is the published example[^]*JWT_ISSUER[^]*JWT_AUDIENCE/,
  );
  for (const read of [readGraphApiConfig, readRatingWorkerConfig]) {
    expect(() => read(production)).toThrow(/DATABASE_PASSWORD is not set, or is the published example/);
  }
});
