import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { jest } from '@jest/globals';
import { readGraphApiConfig } from '../config.js';
import { IdentityProvider } from '../testing/identity-provider.js';
import { TokenVerifier } from './token-verifier.js';

const KEYS_ARE_OLD_MS = 10 * 60_000;
const REFUSED = expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED' } });

let provider: IdentityProvider;
let tokens: TokenVerifier;

beforeEach(async () => {
  provider = new IdentityProvider();
  await provider.start();
  await provider.addKey('first', 'ES256');
  const environment = { JWT_JWKS_URL: provider.url, JWT_ISSUER: 'provider', JWT_AUDIENCE: 'ratings' };
  tokens = new TokenVerifier(readGraphApiConfig(environment).auth, createLogger('test', 'silent'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  jest.useRealTimers();
  await provider.stop();
});

const subjectOf = async (token: string): Promise<string | undefined> =>
  (await tokens.viewerOf([`Bearer ${token}`]))?.subject;

/** Accepts a token, and remembers it: what the first fetch of the keys accepted is not yet. */
async function remember(token: string): Promise<void> {
  expect([await subjectOf(token), await subjectOf(token)]).toEqual(['alice', 'alice']);
}

function advance(ms: number): void {
  jest.useFakeTimers({ now: Date.now() + ms, doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout'] });
}

test('an accepted token is not verified again', async () => {
  const token = await provider.sign('first');
  await remember(token);
  const verify = jest.spyOn(crypto.subtle, 'verify');
  expect(await subjectOf(token)).toBe('alice');
  expect(verify).not.toHaveBeenCalled();
  expect(await subjectOf(await provider.sign('first', { sub: 'bob' }))).toBe('bob');
  expect(verify).toHaveBeenCalledTimes(1);
});

test('an accepted token ends with its expiry', async () => {
  const token = await provider.sign('first');
  await remember(token);
  advance(5 * 60_000 + 120_000);
  await expect(subjectOf(token)).rejects.toEqual(REFUSED);
});

test('an accepted token ends with its withdrawn key: once the keys are fetched again, for whatever reason', async () => {
  const token = await provider.sign('first');
  await remember(token);
  provider.published.delete('first');
  await provider.addKey('second', 'ES256');
  expect(await subjectOf(token)).toBe('alice');
  // An unknown key id makes the provider be asked.
  expect(await subjectOf(await provider.sign('second', { sub: 'bob' }))).toBe('bob');
  await expect(subjectOf(token)).rejects.toEqual(REFUSED);
});

test('an accepted token ends with the age of the keys, where its key is withdrawn', async () => {
  const token = await provider.sign('first', { exp: Math.floor(Date.now() / 1_000) + 3_600 });
  await remember(token);
  provider.published.delete('first');
  advance(KEYS_ARE_OLD_MS + 1_000);
  await expect(subjectOf(token)).rejects.toEqual(REFUSED);
});

test('a refused token is refused again', async () => {
  const token = await provider.sign('first', { aud: 'others' });
  await expect(subjectOf(token)).rejects.toEqual(REFUSED);
  await expect(subjectOf(token)).rejects.toEqual(REFUSED);
});
