import { request } from 'node:http';
import { generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { query, type Answer } from '../testing/graphql.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { signToken, TEST_SECRET } from '@exact-ratings/stack/testing/tokens.js';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'ratings';

let database: TestDatabase;
let app: TestApp;
let product: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp({ ...database.env, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE });
  product = await insertProduct(database.pool);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const now = (): number => Math.floor(Date.now() / 1_000);
const good = (claims: JWTPayload = {}): JWTPayload => ({ sub: 'alice', iss: ISSUER, aud: AUDIENCE, ...claims });
const key = new TextEncoder().encode(TEST_SECRET);

const READ = '{ products(first: 1) { nodes { id } } }';
const read = (authorization: string): Promise<Answer> => query(app.origin, READ, {}, { headers: { authorization } });
const createProduct = (token: string): Promise<Answer> =>
  query(
    app.origin,
    'mutation { createProduct(input: { name: "x", price: { amount: "1", currencyCode: "EUR" } }) { product { id } } }',
    {},
    { token },
  );

/** Signs the claims as they are, without an expiry of our own. */
const signed = (claims: JWTPayload, alg = 'HS256'): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(key);

test('reading is open; a good token reads and writes as well', async () => {
  expect((await query(app.origin, READ)).errors).toEqual([]);
  const token = await signToken(good());
  for (const authorization of [`Bearer ${token}`, `bearer ${token}`]) {
    expect((await read(authorization)).errors).toEqual([]);
  }
  const answer = await query(
    app.origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { ratingVersion userErrors { code } } }',
    { id: product },
    { token },
  );
  expect(answer.data.createReview).toEqual({ ratingVersion: 1, userErrors: [] });
});

test.each<[string, () => Promise<string> | string]>([
  ['expired', () => signed(good({ exp: now() - 10 }))],
  ['not yet valid', () => signed(good({ exp: now() + 3_600, nbf: now() + 600 }))],
  ['without exp', () => signed(good())],
  ['with an exp that is no number', () => signed(good({ exp: 'tomorrow' as unknown as number }))],
  ['alg none', () => new UnsecuredJWT(good({ exp: now() + 3_600 })).encode()],
  ['HS512', () => signed(good({ exp: now() + 3_600 }), 'HS512')],
  [
    'RS256 by a key of their own',
    async () => {
      const { privateKey } = await generateKeyPair('RS256');
      return new SignJWT(good({ exp: now() + 3_600 })).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    },
  ],
  ['another secret', () => signToken(good(), 'another-secret-of-enough-bytes-0123456789')],
  [
    'changed after it was signed',
    async () => {
      const [header, , signature] = (await signToken(good())).split('.');
      const claims = Buffer.from(JSON.stringify(good({ exp: now() + 3_600, roles: ['admin'] }))).toString('base64url');
      return `${header}.${claims}.${signature}`;
    },
  ],
  ['without its signature', async () => (await signToken(good())).split('.').slice(0, 2).join('.') + '.'],
  ['another audience', () => signToken(good({ aud: 'somebody-else' }))],
  ['no audience', () => signToken({ sub: 'alice', iss: ISSUER })],
  ['another issuer', () => signToken(good({ iss: 'https://evil.example' }))],
  ['no issuer', () => signToken({ sub: 'alice', aud: AUDIENCE })],
  ['no sub', () => signToken({ iss: ISSUER, aud: AUDIENCE })],
  ['an empty sub', () => signToken(good({ sub: '' }))],
  ['a sub with NUL', () => signToken(good({ sub: 'a\0b' }))],
  ['an overlong sub', () => signToken(good({ sub: 'x'.repeat(256) }))],
  ['garbage', () => 'garbage'],
  ['three parts of garbage', () => 'a.b.c'],
  ['an encrypted token', () => 'a.b.c.d.e'],
])('a token that is %s is UNAUTHENTICATED, for reading too', async (_name, make) => {
  const token = await make();
  for (const answer of [await read(`Bearer ${token}`), await createProduct(token)]) {
    expect([answer.status, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([401, ['UNAUTHENTICATED']]);
    expect(answer.data).toBeNull();
    expect(answer.text).not.toMatch(/jose|JWS|JWT[A-Z]|"alg"|claim/);
    if (token.length > 20) expect(answer.text).not.toContain(token.slice(0, 20));
  }
});

test.each(['', ' ', 'Bearer', 'Bearer  '])('the header %j is as none', async (authorization) => {
  expect((await read(authorization)).errors).toEqual([]);
});

test.each(['Bearer null', 'Bearer undefined', 'Basic dXNlcjpwYXNz', 'Token abc', 'Bearer a b'])(
  'the header %j is UNAUTHENTICATED',
  async (authorization) => {
    const answer = await read(authorization);
    expect([answer.status, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([401, ['UNAUTHENTICATED']]);
  },
);

test("a clock that is a few seconds ahead or behind is tolerated, a minute's difference is not", async () => {
  const ahead = await signed(good({ exp: now() + 3_600, nbf: now() + 3, iat: now() + 3 }));
  const justExpired = await signed(good({ exp: now() - 2 }));
  const farAhead = await signed(good({ exp: now() + 3_600, nbf: now() + 60 }));
  const codes = await Promise.all(
    [ahead, justExpired, farAhead].map(async (token) => (await read(`Bearer ${token}`)).status),
  );
  expect(codes).toEqual([200, 200, 401]);
});

test.each<[string, Record<string, unknown>, object]>([
  ['audience', { aud: 'somebody-else' }, { claim: 'aud', expected: AUDIENCE, got: 'somebody-else' }],
  ['issuer', { iss: 'https://evil.example' }, { claim: 'iss', expected: ISSUER, got: 'https://evil.example' }],
  ['no audience', { aud: undefined }, { claim: 'aud', expected: AUDIENCE, got: 'missing' }],
  ['nbf', { nbf: 4_000_000_000 }, { claim: 'nbf', got: '2096-10-02T07:06:40.000Z' }],
])('the log says why a token was refused: %s', async (_name, claims, reason) => {
  const other = await startTestApp({ ...database.env, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE });
  try {
    const token = await signed(good({ exp: now() + 3_600, ...claims }));
    for (let i = 0; i < 3; i += 1) await query(other.origin, READ, {}, { token });
    const lines = other.log.filter(({ msg }) => msg === 'a token was refused');
    expect(lines).toEqual([expect.objectContaining(reason)]);
    expect(JSON.stringify(other.log)).not.toContain(token.split('.')[1]);
  } finally {
    await other.stop();
  }
});

/** The answer to a request whose headers go over the wire as they are; fetch would join those of one name. */
function readWithHeaders(...authorization: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = ['Host', 'api', 'Content-Type', 'application/json', 'Connection', 'close', ...authorization];
    const call = request(`${app.origin}/graphql`, { method: 'POST', headers }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => resolve(body));
    });
    call.on('error', reject);
    call.end(JSON.stringify({ query: READ }));
  });
}

test('a second Authorization header is neither overlooked nor preferred', async () => {
  const [one, other] = await Promise.all([signToken(good()), signToken(good({ sub: 'bob' }))]);
  const accepted = [
    ['AUTHORIZATION', `  Bearer\t${one}  `],
    ['Authorization', '', 'authorization', `Bearer ${one}`],
    ['Authorization', `Bearer ${one}`, 'authorization', `Bearer ${one}`],
  ];
  for (const headers of accepted) expect(await readWithHeaders(...headers)).toContain('"data"');
  const refused = [
    ['Authorization', '', 'authorization', 'Bearer garbage'],
    ['Authorization', `Bearer ${one}`, 'authorization', `Bearer ${other}`],
  ];
  for (const headers of refused) expect(await readWithHeaders(...headers)).toContain('UNAUTHENTICATED');
});

test.each<[string, unknown, boolean]>([
  ['a list with it', ['user', 'admin'], true],
  ['the text itself', 'admin', true],
  ['another role', ['administrator'], false],
  ['another case', ['Admin'], false],
  ['a list in a list', [['admin']], false],
  ['an object', { admin: true }, false],
  ['a text that holds it', 'user admin', false],
  ['true', true, false],
  ['nothing', undefined, false],
])('roles: %s', async (_name, roles, isAdmin) => {
  const answer = await createProduct(await signToken(good(roles === undefined ? {} : { roles })));
  expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(isAdmin ? [] : ['FORBIDDEN']);
});

const DOTTED = '["resource_access","shop.web","roles"]';

test.each<[string, JWTPayload, boolean, string?]>([
  ['names with dots, as a list', { resource_access: { 'shop.web': { roles: ['admin'] } } }, true, DOTTED],
  ['a list is no dotted path', { resource_access: { shop: { web: { roles: ['admin'] } } } }, false, DOTTED],
  ['the path', { realm_access: { roles: ['user', 'admin'] } }, true],
  ['the literal name', { 'realm_access.roles': ['admin'] }, true],
  ['half of the path', { realm_access: ['admin'] }, false],
  ['another claim', { roles: ['admin'] }, false],
  ['no object on the way', { realm_access: 'admin' }, false],
])('a nested role claim: %s', async (_name, claims, isAdmin, claim = 'realm_access.roles') => {
  const other = await startTestApp({ ...database.env, JWT_ROLES_CLAIM: claim });
  try {
    const mutation =
      'mutation { createProduct(input: { name: "x", price: { amount: "1", currencyCode: "EUR" } }) { product { id } } }';
    const answer = await query(other.origin, mutation, {}, { token: await signToken({ sub: 'k', ...claims }) });
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(isAdmin ? [] : ['FORBIDDEN']);
  } finally {
    await other.stop();
  }
});

test('the claim and the role are configuration', async () => {
  const other = await startTestApp({
    ...database.env,
    JWT_ROLES_CLAIM: 'https://x.example/groups',
    JWT_ADMIN_ROLE: 'boss',
  });
  try {
    const mutation =
      'mutation { createProduct(input: { name: "x", price: { amount: "1", currencyCode: "EUR" } }) { product { id } } }';
    const boss = await signToken({ sub: 'b', 'https://x.example/groups': ['boss'] });
    const admin = await signToken({ sub: 'a', roles: ['admin'] });
    expect((await query(other.origin, mutation, {}, { token: boss })).errors).toEqual([]);
    expect((await query(other.origin, mutation, {}, { token: admin })).errors[0]!.extensions.code).toBe('FORBIDDEN');
  } finally {
    await other.stop();
  }
});
