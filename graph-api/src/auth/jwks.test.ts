import type { AddressInfo } from 'node:net';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { jest } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { exportSPKI, jwtVerify, SignJWT } from 'jose';
import { readGraphApiConfig } from '../config.js';
import type { RequestContext } from '../server/context.js';
import { addGraphQL } from '../server/graphql-server.js';
import { createHttpServer, listen } from '../server/http-server.js';
import { Readiness } from '../server/readiness.js';
import { IdentityProvider } from '../testing/identity-provider.js';
import { Jwks, type KeyTimes } from './jwks.js';
import { TokenVerifier } from './token-verifier.js';

const LOGGER = createLogger('test', 'silent');
const TIMES: KeyTimes = { maxAgeMs: 60_000, maxStaleMs: 600_000, cooldownMs: 10_000, retryMs: 1_000, timeoutMs: 1_000 };
let provider: IdentityProvider;

beforeEach(async () => {
  provider = new IdentityProvider();
  await provider.start();
  await provider.addKey('first', 'ES256');
});
afterEach(async () => {
  jest.restoreAllMocks();
  await provider.stop();
});

function verifier(): TokenVerifier {
  const environment = { JWT_JWKS_URL: provider.url, JWT_ISSUER: 'provider', JWT_AUDIENCE: 'ratings' };
  return new TokenVerifier(readGraphApiConfig(environment).auth, LOGGER);
}

async function subjectOf(tokens: TokenVerifier, token: string): Promise<string | undefined> {
  return (await tokens.viewerOf([`Bearer ${token}`]))?.subject;
}

const refused = (code: string) => expect.objectContaining({ extensions: expect.objectContaining({ code }) });

describe('algorithms', () => {
  test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'accepts %s',
    async (algorithm) => {
      await provider.addKey('key', algorithm);
      const tokens = verifier();
      const token = await provider.sign('key', { roles: ['admin'], name: 'Alice' });
      expect(await tokens.viewerOf([`Bearer ${token}`])).toEqual({
        issuer: 'provider',
        subject: 'alice',
        displayName: 'Alice',
        isAdmin: true,
      });
    },
  );

  test('refuses HS256 signed with the public key, with a published symmetric key, and alg none', async () => {
    await provider.addKey('rsa', 'RS256');
    const secret = new TextEncoder().encode('a symmetric key that was published by mistake');
    provider.published.set('oct', {
      kty: 'oct',
      kid: 'oct',
      alg: 'HS256',
      k: Buffer.from(secret).toString('base64url'),
    });
    const forged = (kid: string, key: Uint8Array) =>
      new SignJWT({ sub: 'alice', iss: 'provider', aud: 'ratings', roles: ['admin'] })
        .setProtectedHeader({ alg: 'HS256', kid })
        .setExpirationTime('5 min')
        .sign(key);
    const publicKey = new TextEncoder().encode(await exportSPKI(provider.publicKeyOf('rsa')));
    const [, payload] = (await provider.sign('rsa')).split('.');
    const none = `${Buffer.from('{"alg":"none","kid":"rsa"}').toString('base64url')}.${payload}.`;
    const tokens = verifier();
    for (const token of [await forged('rsa', publicKey), await forged('oct', secret), none]) {
      await expect(subjectOf(tokens, token)).rejects.toEqual(refused('UNAUTHENTICATED'));
    }
    expect(await subjectOf(tokens, await provider.sign('rsa'))).toBe('alice');
  });

  test('refuses a foreign signature under a known key id, and what was made for others', async () => {
    const stranger = new IdentityProvider();
    await stranger.addKey('first', 'ES256');
    const tokens = verifier();
    const wrong = [
      await stranger.sign('first'),
      await provider.sign('first', { iss: 'someone else' }),
      await provider.sign('first', { aud: 'another service' }),
      await provider.sign('first', { sub: '' }),
    ];
    for (const token of wrong) await expect(subjectOf(tokens, token)).rejects.toEqual(refused('UNAUTHENTICATED'));
  });
});

describe('keys', () => {
  let keys: Jwks;
  beforeEach(() => (keys = new Jwks(provider.url, LOGGER, TIMES)));

  const accept = async (token: string) => (await jwtVerify(token, keys.keyOf)).payload.sub;
  const NO_KEY = expect.objectContaining({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  const UNAVAILABLE = expect.objectContaining({ name: 'KeysUnavailableError' });

  function advance(milliseconds: number): void {
    const then = Date.now() + milliseconds;
    jest.spyOn(Date, 'now').mockImplementation(() => then);
  }

  test('are fetched once for many requests at once, and kept', async () => {
    const token = await provider.sign('first');
    await Promise.all(Array.from({ length: 20 }, () => accept(token)));
    await accept(token);
    expect(provider.fetches).toBe(1);
  });

  test('follow a rotation at once, and a withdrawn key ends with the age of the others', async () => {
    const old = await provider.sign('first');
    await accept(old);
    await provider.addKey('second', 'RS256');
    provider.published.delete('first');
    expect(await accept(await provider.sign('second'))).toBe('alice');
    expect(provider.fetches).toBe(2);

    const third = await provider.addKey('third', 'EdDSA').then(() => provider.sign('third'));
    expect(await accept(third)).toBe('alice');
    provider.published.delete('third');
    expect(await accept(third)).toBe('alice');
    advance(TIMES.maxAgeMs);
    await expect(accept(third)).rejects.toEqual(NO_KEY);
  });

  test('cause no flood of fetches when forged key ids come in', async () => {
    const token = await provider.sign('first');
    await accept(token);
    await provider.addKey('unknown', 'ES256');
    provider.published.delete('unknown');
    const forged = await provider.sign('unknown');
    for (let i = 0; i < 50; i++) await expect(accept(forged)).rejects.toEqual(NO_KEY);
    expect(provider.fetches).toBe(2);
    expect(await accept(token)).toBe('alice');
    advance(TIMES.cooldownMs);
    await expect(accept(forged)).rejects.toEqual(NO_KEY);
    expect(provider.fetches).toBe(3);
  });

  test.each(['down', 'slow', 'garbage', 'redirect'] as const)(
    'go on working while the provider is %s',
    async (mode) => {
      const token = await provider.sign('first');
      await accept(token);
      await provider.addKey('second', 'ES256');
      const unknown = await provider.sign('second');
      provider.mode = mode;

      advance(TIMES.maxAgeMs);
      expect(await accept(token)).toBe('alice');
      await expect(accept(unknown)).rejects.toEqual(UNAVAILABLE);
      const { fetches } = provider;
      expect(await accept(token)).toBe('alice');
      expect(provider.fetches).toBe(fetches);

      provider.mode = 'up';
      advance(TIMES.retryMs);
      expect(await accept(unknown)).toBe('alice');
    },
  );

  test('do not outlive a provider that stays down', async () => {
    const token = await provider.sign('first');
    await accept(token);
    provider.mode = 'down';
    advance(TIMES.maxStaleMs);
    await expect(accept(token)).rejects.toEqual(UNAVAILABLE);
  });
});

describe('over HTTP', () => {
  let server: FastifyInstance;
  afterEach(() => server.close());

  test('a provider that is down is a retryable error, not a wrong token', async () => {
    provider.mode = 'down';
    const config = readGraphApiConfig({ JWT_JWKS_URL: provider.url, PRODUCT_SERVICE_PORT: '0' });
    const tokens = new TokenVerifier(config.auth, LOGGER);
    server = await createHttpServer({
      ...config,
      maxBodyBytes: config.limits.maxBodyBytes,
      readiness: new Readiness(() => Promise.resolve(true)),
      logger: LOGGER,
    });
    const apollo = await addGraphQL(server, {
      ...config,
      hideSchemaDetails: false,
      logger: LOGGER,
      createContext: async (request) =>
        ({
          viewer: await tokens.viewerOf(request.raw.headersDistinct['authorization'] ?? []),
          limits: null,
          setCost: () => undefined,
          setRequestedFields: () => undefined,
        }) as unknown as RequestContext,
    });
    await listen(server, config.host, 0);
    const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/graphql`;
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"query":"{ __typename }"}',
      });
      return { status: response.status, body: await response.json() };
    };

    const authorization = `Bearer ${await provider.sign('first')}`;
    expect(await ask({ authorization })).toEqual({
      status: 503,
      body: {
        errors: [
          {
            message: expect.stringMatching(/identity provider does not answer. Try again/),
            extensions: { code: 'SERVICE_UNAVAILABLE', retryable: true, requestId: expect.any(String) },
          },
        ],
      },
    });
    expect(await ask({})).toEqual({ status: 200, body: { data: { __typename: 'Query' } } });
    await apollo.stop();
  });
});
