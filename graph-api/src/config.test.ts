import { ConfigError } from '@exact-ratings/shared/config/env-reader.js';
import { EXAMPLE_DATABASE_PASSWORD } from '@exact-ratings/shared/config/server-config.js';
import { EXAMPLE_JWT_SECRET } from './auth/auth-config.js';
import { readGraphApiConfig } from './config.js';

const SECRET = 'a-secret-of-enough-bytes-0123456789abcdef';
const PRODUCTION = {
  NODE_ENV: 'production',
  JWT_SECRET: SECRET,
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'ratings',
  DATABASE_PASSWORD: 'a password of its own',
};

function problems(environment: Record<string, string>): readonly string[] {
  try {
    readGraphApiConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('a secret is all that one needs on a machine of one’s own', () => {
  expect(readGraphApiConfig({ JWT_SECRET: SECRET })).toMatchObject({
    production: false,
    host: '127.0.0.1',
    port: 3000,
    introspection: true,
    explorer: { active: false, path: 'api' },
    kafka: { topic: 'review-events' },
  });
});

test('everything that is wrong is said at once, by its name', () => {
  const found = problems({
    JWT_SECRET: 'short',
    PRODUCT_SERVICE_PORT: '70000',
    DATABASE_PORT: 'abc',
    REDIS_COMMAND_TIMEOUT_MS: '-1',
    OUTBOX_BATCH_SIZE: '1e3',
    GRAPHQL_INTROSPECTION: 'maybe',
    LOG_LEVEL: 'loud',
    API_DOCS_PATH: 'graphql',
    KAFKA_TOPIC: 'a topic',
    GRAPHQL_MAX_DEPTH: '0',
  });
  const names = [
    'JWT_SECRET',
    'PRODUCT_SERVICE_PORT',
    'DATABASE_PORT',
    'REDIS_COMMAND_TIMEOUT_MS',
    'OUTBOX_BATCH_SIZE',
    'GRAPHQL_INTROSPECTION',
    'LOG_LEVEL',
    'API_DOCS_PATH',
    'KAFKA_TOPIC',
    'GRAPHQL_MAX_DEPTH',
  ];
  for (const name of names) expect(found.filter((problem) => problem.includes(name))).toHaveLength(1);
  expect(found).toHaveLength(names.length);
  expect(found.join()).not.toContain('short,');
});

test('variables that are set but empty, as Compose makes them, count as not set', () => {
  expect(readGraphApiConfig({ JWT_SECRET: SECRET, PRODUCT_SERVICE_PORT: '', API_DOCS_PATH: ' ' })).toMatchObject({
    port: 3000,
  });
  expect(problems({ JWT_SECRET: '' })).toHaveLength(1);
});

test('the newer names stand beside those of the brief', () => {
  const brief = { PRODUCT_SERVICE_PORT: '3100', DATABASE_DB: 'a', KAFKA_BROKER: 'k:1' };
  const newer = { GRAPH_API_PORT: '3100', DATABASE_NAME: 'a', KAFKA_BROKERS: 'k:1' };
  const expected = readGraphApiConfig({ JWT_SECRET: SECRET, ...brief });
  expect(expected).toMatchObject({ port: 3100, database: { database: 'a' }, kafka: { brokers: ['k:1'] } });
  expect(readGraphApiConfig({ JWT_SECRET: SECRET, ...newer })).toEqual(expected);
  expect(readGraphApiConfig({ JWT_SECRET: SECRET, ...brief, ...newer })).toEqual(expected);
  expect(problems({ JWT_SECRET: SECRET, GRAPH_API_PORT: '1', PRODUCT_SERVICE_PORT: '2' })).toEqual([
    'GRAPH_API_PORT and PRODUCT_SERVICE_PORT are both set and differ: unset one',
  ]);
});

test.each([
  ['https://shop.example/', /write "https:\/\/shop.example" for/],
  ['https://shop.example/shop', /write "https:\/\/shop.example" for/],
  ['https://shop.example:443', /write "https:\/\/shop.example" for/],
  ['shop.example', /with a scheme, such as https:\/\/shop.example/],
  ['*', /with a scheme/],
  ['https://a.example, https://b.example/', /write "https:\/\/b.example" for/],
])('the origin %j would match no browser, and is refused', (origins, problem) => {
  expect(problems({ JWT_SECRET: SECRET, CORS_ORIGINS: origins })).toEqual([
    expect.stringMatching(/^CORS_ORIGINS must be/),
  ]);
  expect(problems({ JWT_SECRET: SECRET, CORS_ORIGINS: origins })[0]).toMatch(problem);
});

test('origins are taken as browsers write them', () => {
  const { corsOrigins } = readGraphApiConfig({
    JWT_SECRET: SECRET,
    CORS_ORIGINS: 'https://Shop.example,http://localhost:5173,',
  });
  expect(corsOrigins).toEqual(['https://shop.example', 'http://localhost:5173']);
});

describe('production', () => {
  test('is satisfied by secrets of its own; no introspection unless asked for', () => {
    expect(problems(PRODUCTION)).toEqual([]);
    expect(readGraphApiConfig(PRODUCTION)).toMatchObject({ production: true, introspection: false });
    expect(readGraphApiConfig({ ...PRODUCTION, GRAPHQL_INTROSPECTION: 'true' }).introspection).toBe(true);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['a short secret', { JWT_SECRET: 'x'.repeat(31) }, /JWT_SECRET is too short/],
    ['the example secret', { JWT_SECRET: EXAMPLE_JWT_SECRET }, /JWT_SECRET is the published example/],
    ['no secret', { JWT_SECRET: '' }, /JWT_SECRET/],
    ['no issuer', { JWT_ISSUER: '' }, /JWT_ISSUER/],
    ['no audience', { JWT_AUDIENCE: '' }, /JWT_AUDIENCE/],
    ['no password', { DATABASE_PASSWORD: '' }, /DATABASE_PASSWORD/],
    ['the example password', { DATABASE_PASSWORD: EXAMPLE_DATABASE_PASSWORD }, /DATABASE_PASSWORD/],
  ])('refuses %s', (_name, change, problem) => {
    expect(problems({ ...PRODUCTION, ...change })).toEqual([expect.stringMatching(problem)]);
  });

  test('ALLOW_EXAMPLE_SECRETS relaxes what a machine of one’s own does not need, but not the length of the secret', () => {
    const local = { NODE_ENV: 'production', ALLOW_EXAMPLE_SECRETS: 'true' };
    expect(problems({ ...local, JWT_SECRET: EXAMPLE_JWT_SECRET })).toEqual([]);
    expect(readGraphApiConfig({ ...local, JWT_SECRET: SECRET }).production).toBe(false);
    expect(problems({ ...local, JWT_SECRET: 'short' })).toHaveLength(1);
    expect(problems({ ...PRODUCTION, ALLOW_EXAMPLE_SECRETS: 'local' })).toHaveLength(1);
  });
});
