import type { Stack } from '@exact-ratings/stack/stack.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { readGraphApiConfig } from '../../config.js';
import { startTestApp, type TestApp } from '../../testing/test-app.js';
import { startRedisProxy, type WireProxy } from '../../testing/wire-proxy.js';

/** The product's query costs 20, so there are 50 of them in a minute. */
const LIMITS = {
  GRAPHQL_MAX_COST: '1000',
  RATE_LIMIT_READ_COST: '1000',
  RATE_LIMIT_MUTATIONS: '3',
  TRUSTED_PROXIES: '1',
};

let servers: Stack;
let redisProxy: WireProxy<string[]>;
let database: TestDatabase;
let env: Record<string, string>;
let app: TestApp;
let productId: string;
let callers = 0;

beforeAll(async () => {
  [servers, database] = await Promise.all([startOwnServers('redis'), createTestDatabase()]);
  redisProxy = await startRedisProxy(Number(servers.env['REDIS_PORT']));
  productId = await insertProduct(database.pool);
  env = { ...database.env, ...servers.env, ...LIMITS };
  app = await startTestApp({ ...env, REDIS_PORT: String(redisProxy.port) });
});
afterAll(async () => {
  await app?.stop();
  await redisProxy?.close();
  await servers?.stop();
  await database?.drop();
});

/** An address of its own for each test. */
const newAddress = (): string => `203.0.113.${(callers += 1)}`;

const READ = `query Read($id: ID!) { product(id: $id) { ${times(19, (i) => `id${i}: id`).join(' ')} } }`;
const page = (cost: number): string =>
  `{ __typename ${cost === 1 ? '' : `viewer { ${times(cost - 2, (i) => `a${i}: __typename`).join(' ')} }`} }`;

interface Response {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Headers;
  readonly body: { readonly errors?: ReadonlyArray<{ message: string; extensions: Record<string, unknown> }> };
}

async function ask(
  query: string,
  { address = '198.51.100.1', token = '', origin = app.origin } = {},
): Promise<Response> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': address,
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables: { id: productId } }),
  });
  const body = (await response.json()) as Response['body'];
  const code = body.errors?.[0]?.extensions['code'] as string | undefined;
  return { status: response.status, code, headers: response.headers, body };
}

/** How many of these are answered. */
async function answered(requests: ReadonlyArray<Promise<Response>>): Promise<number> {
  const responses = await Promise.all(requests);
  for (const { status } of responses) expect([200, 429]).toContain(status);
  return responses.filter(({ status }) => status === 200).length;
}

function times<T>(n: number, make: (i: number) => T): T[] {
  return Array.from({ length: n }, (_, i) => make(i));
}

test('what is beyond the limit is 429 with the time after which it works again', async () => {
  const address = newAddress();
  const first = await ask(page(400), { address });
  expect([first.status, first.headers.get('ratelimit-policy')]).toEqual([
    200,
    '"reads";q=1000;w=60, "writes";q=3;w=60',
  ]);
  const [, left, seconds24] = /^"reads";r=(\d+);t=(\d+), "writes";r=3;t=0$/.exec(first.headers.get('ratelimit')!)!;
  // What comes back in the meantime comes on top.
  expect(Number(left)).toBeGreaterThanOrEqual(599);
  expect(Number(left)).toBeLessThan(1_000);
  expect(Number(seconds24)).toBeLessThanOrEqual(24);
  expect((await ask(page(570), { address })).status).toBe(200);

  const refused = await ask(page(600), { address });
  expect([refused.status, refused.code]).toEqual([429, 'RATE_LIMITED']);
  const { message, extensions } = refused.body.errors![0]!;
  const seconds = Number(refused.headers.get('retry-after'));
  expect(extensions).toMatchObject({ retryable: true, limit: 'reads', retryAfter: seconds });
  expect(message).toBe(`This is more than 1,000 of cost a minute: try again in ${seconds} s.`);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(refused.headers.get('access-control-allow-origin')).toBeNull();
});

test('a query that is known is refused as well, and works again once its time has come', async () => {
  const address = newAddress();
  expect(await answered(times(80, () => ask(READ, { address })))).toBeGreaterThanOrEqual(50);
  let refused: Response | undefined;
  await eventually('it is refused', async () => {
    const response = await ask(READ, { address });
    if (response.status === 429) refused = response;
    return response.status === 429;
  });
  expect(Number(refused!.headers.get('retry-after'))).toBeLessThanOrEqual(3);
  await eventually('it works again', async () => (await ask(READ, { address })).status === 200);
});

test('at once, too, no more than the limit is answered, whatever comes together', async () => {
  const address = newAddress();
  const began = performance.now();
  const count = await answered(times(100, () => ask(READ, { address })));
  const cameBack = (performance.now() - began) / 1_200;
  expect(count).toBeGreaterThanOrEqual(50);
  expect(count).toBeLessThanOrEqual(50 + Math.ceil(cameBack));
});

test('callers are told apart: by address, by token, and admins have no limit', async () => {
  const [address, other] = [newAddress(), newAddress()];
  const [alice, bob] = [await newUserToken(), await newUserToken()];
  const spend = (caller: { address?: string; token?: string }) => ask(page(990), caller);
  expect((await spend({ address })).status).toBe(200);
  expect((await spend({ address })).status).toBe(429);
  expect((await spend({ address: other })).status).toBe(200);
  // A person has one limit, wherever they are.
  expect((await spend({ address, token: alice })).status).toBe(200);
  expect((await spend({ address: newAddress(), token: alice })).status).toBe(429);
  expect((await spend({ address, token: bob })).status).toBe(200);
  // What the client writes in front of the proxy's entry makes no other caller.
  expect((await spend({ address: `1.2.3.4, ${address}` })).status).toBe(429);
  const admin = await adminToken();
  for (let i = 0; i < 5; i += 1) {
    const { status, headers } = await spend({ token: admin });
    expect([status, headers.get('ratelimit')]).toEqual([200, null]);
  }
});

test('mutations have a limit of their own, by their number', async () => {
  const strict = await startTestApp({ ...env, GRAPHQL_MAX_COST: '10000', RATE_LIMIT_READ_COST: '100000' });
  const token = await newUserToken();
  const create = (alias: string) =>
    `${alias}: createReview(input: { productId: "${productId}", rating: 4 }) { ratingVersion }`;
  const write = (...aliases: string[]) =>
    ask(`mutation { ${aliases.map(create).join(' ')} }`, { token, origin: strict.origin });
  try {
    expect((await write('a', 'b')).status).toBe(200);
    const refused = await write('a', 'b');
    expect([refused.code, refused.body.errors![0]!.extensions['limit']]).toEqual(['RATE_LIMITED', 'writes']);
    expect((await write('a')).status).toBe(200);
    expect((await write('a')).code).toBe('RATE_LIMITED');
    // Reading goes on.
    expect((await ask(READ, { token, origin: strict.origin })).status).toBe(200);
  } finally {
    await strict.stop();
  }
});

test('what is not valid has a price, so that nobody sends it without end; what is refused for the limit has none', async () => {
  const address = newAddress();
  const codes = await Promise.all(times(40, async () => (await ask('{ nothing }', { address })).code));
  expect(codes.filter((code) => code === 'GRAPHQL_VALIDATION_FAILED').length).toBeLessThan(30);
  const refused = await ask(READ, { address });
  expect(refused.code).toBe('RATE_LIMITED');
  const seconds = Number(refused.headers.get('retry-after'));
  for (let i = 0; i < 5; i += 1) await ask('{ nothing }', { address });
  expect(Number((await ask(READ, { address })).headers.get('retry-after'))).toBeLessThanOrEqual(seconds + 1);
});

test('a page is read without waiting for Redis to count it: one call beside, for all requests of the moment', async () => {
  await eventually('Redis is filled', async () => {
    await ask('{ products(first: 1) { nodes { reviewCount } } }', { address: newAddress() });
    return redisProxy.seen.some(([name]) => name === 'MGET');
  });
  redisProxy.clear();
  const addresses = times(20, newAddress);
  await Promise.all(addresses.map((address) => ask(READ, { address })));
  await eventually('the requests are counted', () => keysOfScripts() >= addresses.length);
  const scripts = redisProxy.seen.filter(([name]) => name!.startsWith('EVAL'));
  expect(scripts.length).toBeLessThan(addresses.length);
  expect(redisProxy.seen.flat().join(' ')).not.toContain('203.0.113');
});

const keysOfScripts = (): number =>
  redisProxy.seen.filter(([name]) => name!.startsWith('EVAL')).reduce((sum, [, , keys]) => sum + Number(keys), 0);

test('processes share the limits', async () => {
  const other = await startTestApp(env);
  try {
    const token = await newUserToken();
    await ask(page(800), { token });
    await eventually('the other process knows it', async () => {
      const { status, headers } = await ask(page(1), { token, origin: other.origin });
      expect(status).toBe(200);
      return /"reads";r=[12]?\d?\d;/.test(headers.get('ratelimit')!);
    });
    expect((await ask(page(900), { token, origin: other.origin })).status).toBe(429);
  } finally {
    await other.stop();
  }
});

test('while Redis is frozen or down, everything is answered, and afterwards limits hold again', async () => {
  const impatient = await startTestApp({ ...env, REDIS_COMMAND_TIMEOUT_MS: '300' });
  const spend = (address: string) => ask(page(990), { address, origin: impatient.origin });
  const holds = async (): Promise<boolean> => {
    const address = newAddress();
    return (await spend(address)).status === 200 && (await spend(address)).status === 429;
  };
  try {
    await eventually('limits hold', holds);
    servers.redis.pause();
    try {
      const address = newAddress();
      await spend(address);
      // The circuit opens long before the connection is given up.
      await eventually('limits are off', () =>
        impatient.log.some(({ msg }) => String(msg).includes('rate limits are off until it does')),
      );
      for (let i = 0; i < 10; i += 1) expect((await spend(address)).status).toBe(200);
    } finally {
      servers.redis.resume();
    }
    await eventually('limits hold again', holds);
    await servers.redis.kill();
    const address = newAddress();
    await spend(address);
    await eventually('limits are off', async () => (await spend(address)).status === 200);
    for (let i = 0; i < 10; i += 1) expect((await spend(address)).status).toBe(200);
    await servers.redis.start({ empty: true });
    await eventually('limits hold again', holds);
  } finally {
    await impatient.stop();
  }
});

test('a proxy that nobody told of is named in the log, once', async () => {
  const unaware = await startTestApp({ ...env, TRUSTED_PROXIES: '0' });
  try {
    for (let i = 0; i < 3; i += 1) await ask(READ, { address: newAddress(), origin: unaware.origin });
    const warnings = unaware.log.filter(({ msg }) => String(msg).includes('TRUSTED_PROXIES is 0'));
    expect(warnings).toHaveLength(1);
  } finally {
    await unaware.stop();
  }
});

test('a limit that no operation fits into is refused', () => {
  const read = (limit: string) =>
    readGraphApiConfig({ JWT_SECRET: 'x'.repeat(40), RATE_LIMIT_READ_COST: limit, GRAPHQL_MAX_COST: '1000' });
  expect(() => read('999')).toThrow('RATE_LIMIT_READ_COST must be 0 or at least GRAPHQL_MAX_COST (1000)');
  expect(read('1000').rateLimits.readCostPerMinute).toBe(1_000);
  expect(read('0').rateLimits.readCostPerMinute).toBe(0);
});
