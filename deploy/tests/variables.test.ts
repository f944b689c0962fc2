import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ConfigSubject, Variable } from '@exact-ratings/shared/config/variable.js';
import { GRAPH_API_SUBJECTS, readGraphApiConfig } from '../../graph-api/dist/config.js';
import { MIGRATE_SUBJECTS } from '../../graph-api/dist/migrate-config.js';
import { RATING_WORKER_SUBJECTS, readRatingWorkerConfig } from '../../rating-worker/dist/config.js';
import { readEnvExample, ROOT } from './env-example.js';

/** Each program, and the variables that it describes. */
const PROGRAMS: ReadonlyArray<[entry: string, subjects: readonly ConfigSubject[]]> = [
  ['graph-api/dist/main.js', GRAPH_API_SUBJECTS],
  ['graph-api/dist/migrate.js', MIGRATE_SUBJECTS],
  ['rating-worker/dist/main.js', RATING_WORKER_SUBJECTS],
];
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

function described(subjects: readonly ConfigSubject[]): Array<Variable<unknown>> {
  return subjects.flatMap(({ variables }) => Object.values(variables) as Array<Variable<unknown>>);
}

function allNames({ name, aliases }: Variable<unknown>): string[] {
  return [name, ...aliases];
}

/** The variables that a program's configuration asks for, from a run that ends at a wrong one. */
function askedBy(entry: string): string[] {
  const preload = join(ROOT, 'deploy/tests/record-environment.mjs');
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', preload, join(ROOT, entry)], {
    env: { DATABASE_PORT: 'wrong' },
    encoding: 'utf8',
  });
  expect([entry, status, stderr]).toEqual([entry, 78, expect.stringContaining('DATABASE_PORT')]);
  return JSON.parse(stdout) as string[];
}

test.each(PROGRAMS)('%s describes the variables that it reads, and no other', (entry, subjects) => {
  expect(described(subjects).flatMap(allNames).sort()).toEqual(askedBy(entry).sort());
});

test('each variable is described for a reader, and once', () => {
  const all = new Set(PROGRAMS.flatMap(([, subjects]) => described(subjects)));
  for (const { name, meaning } of all) expect([name, meaning]).toEqual([name, expect.stringMatching(/^[A-Z`].*\.$/)]);
  const twice = [...all].map(({ name }) => name).filter((name, i, names) => names.indexOf(name) !== i);
  // Each service has a pool of its own.
  expect(twice).toEqual(['DATABASE_POOL_SIZE']);
});

test('.env.example has every variable by one of its names, and no other', () => {
  const all = new Map(PROGRAMS.flatMap(([, subjects]) => described(subjects)).map((one) => [one.name, one]));
  const found = [...all.values()].map((one) => [one.name, allNames(one).filter((name) => exampleNames.includes(name))]);
  for (const [name, names] of found) expect([name, names]).toEqual([name, [expect.any(String)]]);
  expect([...exampleNames].sort()).toEqual([...found.flatMap(([, names]) => names), ...COMPOSE_ONLY].sort());
  expect(exampleNames).toEqual(expect.arrayContaining(BRIEF));
});

test('no value of .env.example that is commented out differs from the described default', () => {
  for (const [, subjects] of PROGRAMS) {
    for (const variable of described(subjects)) {
      const [name] = allNames(variable).filter((name) => name in example.defaults);
      const value = name === undefined ? '' : example.defaults[name]!;
      if (value !== '' && name !== 'NODE_ENV') expect([name, value]).toEqual([name, variable.defaultText]);
    }
  }
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

test('docker-compose.yml gives each container its own variables, and no other', () => {
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, { environment: string[]; env_file?: unknown }>;
  };
  // The images set them; a shell sets HOST by itself.
  const setByImages = ['HOST', 'NODE_ENV'];
  const containers = ['graph-api', 'migrate', 'rating-worker'];
  for (const [i, [, subjects]] of PROGRAMS.entries()) {
    const { environment, env_file } = services[containers[i]!]!;
    const own = described(subjects).flatMap((one) => allNames(one).filter((name) => exampleNames.includes(name)));
    expect([...environment].sort()).toEqual(own.filter((name) => !setByImages.includes(name)).sort());
    expect(env_file).toBeUndefined();
  }
  expect(services['rating-worker']!.environment.filter((name) => name.startsWith('JWT_'))).toEqual([]);
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
  const { ALLOW_EXAMPLE_SECRETS: _allowed, ...production } = environment;
  expect(() => readGraphApiConfig(production)).toThrow(
    /JWT_SECRET is the published example[^]*JWT_ISSUER[^]*JWT_AUDIENCE/,
  );
  for (const read of [readGraphApiConfig, readRatingWorkerConfig]) {
    expect(() => read(production)).toThrow(/DATABASE_PASSWORD is not set, or is the published example/);
  }
});
