import { ConfigError } from '@exact-ratings/shared/config/env-reader.js';
import { readGraphApiConfig } from '../config.js';
import { EXAMPLE_JWT_SECRET } from './auth-config.js';

const SECRET = 'a secret that is long enough for HS256';
const JWKS_URL = 'https://id.example.com/.well-known/jwks.json';
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_PASSWORD: 'of our own',
  JWT_ISSUER: 'https://id.example.com/',
  JWT_AUDIENCE: 'ratings',
};

/** What a person is told about these variables. */
function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readGraphApiConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('takes a secret or the address of keys', () => {
  expect(readGraphApiConfig({ JWT_SECRET: SECRET }).auth.keys).toEqual({ type: 'secret', secret: SECRET });
  expect(readGraphApiConfig({ JWT_JWKS_URL: JWKS_URL }).auth.keys).toEqual({ type: 'provider', jwksUrl: JWKS_URL });
  // Compose hands variables on that are set, but empty.
  expect(readGraphApiConfig({ JWT_JWKS_URL: JWKS_URL, JWT_SECRET: '' }).auth.keys.type).toBe('provider');
});

test('refuses both together and none at all, and names both', () => {
  for (const environment of [{ JWT_SECRET: SECRET, JWT_JWKS_URL: JWKS_URL }, {}]) {
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/JWT_SECRET.*JWT_JWKS_URL/);
  }
});

test.each(['["roles"', '[]', '["a", 1]', '[""]'])('refuses %s as the path of the roles, and shows one', (path) => {
  expect(() => readGraphApiConfig({ JWT_SECRET: 'x'.repeat(32), JWT_ROLES_CLAIM: path })).toThrow(
    'JWT_ROLES_CLAIM must be a name, a dotted path, or a JSON list such as ["resource_access","shop.web","roles"]',
  );
});

test('refuses a short secret anywhere', () => {
  expect(problemsOf({ JWT_SECRET: 'x'.repeat(31) })).toEqual([expect.stringMatching(/JWT_SECRET is too short/)]);
  expect(problemsOf({ JWT_SECRET: 'é'.repeat(16) })).toEqual([]);
});

test.each([
  ['no address', 'jwks'],
  ['another protocol', 'file:///etc/passwd'],
  ['a password inside', 'https://user:secret@id.example.com/jwks'],
])('refuses an address of keys with %s', (_what, jwksUrl) => {
  expect(problemsOf({ JWT_JWKS_URL: jwksUrl })).toEqual([expect.stringMatching(/^JWT_JWKS_URL must /)]);
});

test('accepts http:// on one’s own machine, not in production', () => {
  const plain = { JWT_JWKS_URL: 'http://127.0.0.1:8080/jwks' };
  expect(problemsOf(plain)).toEqual([]);
  expect(problemsOf({ ...PRODUCTION, ...plain })).toEqual([
    expect.stringMatching(/JWT_JWKS_URL must begin with https/),
  ]);
  expect(problemsOf({ ...PRODUCTION, ...plain, ALLOW_EXAMPLE_SECRETS: 'true' })).toEqual([]);
  expect(problemsOf({ ...PRODUCTION, JWT_JWKS_URL: JWKS_URL })).toEqual([]);
});

test('refuses in production what is published, and tokens of anyone for anything', () => {
  const published = { NODE_ENV: 'production', JWT_SECRET: EXAMPLE_JWT_SECRET };
  const problems = problemsOf(published);
  for (const name of ['JWT_SECRET', 'JWT_ISSUER', 'JWT_AUDIENCE', 'DATABASE_PASSWORD']) {
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${name} `)));
  }
  expect(problemsOf({ ...published, ALLOW_EXAMPLE_SECRETS: 'true' })).toEqual([]);
  expect(problemsOf({ ...PRODUCTION, JWT_SECRET: SECRET })).toEqual([]);
});
