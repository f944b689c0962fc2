import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { errors } from 'jose';
import { readGraphApiConfig } from '../config.js';
import { RefusedTokens } from './refused-tokens.js';

const lines: Array<Record<string, unknown>> = [];
let now = 1_000_000;
let refused: RefusedTokens;

beforeEach(() => {
  lines.splice(0);
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const { auth } = readGraphApiConfig({ JWT_SECRET: 'x'.repeat(32) });
  refused = new RefusedTokens(auth, createLogger('graph-api', 'info', { write }), () => now);
});

test('expired tokens do not hide tokens of another issuer', () => {
  for (let i = 0; i < 10; i += 1) refused.log(new errors.JWTExpired('expired', { exp: 1 }, 'exp', 'check_failed'));
  refused.log(new errors.JWTClaimValidationFailed('unexpected', { iss: 'other' }, 'iss', 'check_failed'));
  refused.log(new errors.JWTClaimValidationFailed('unexpected', { aud: 'other' }, 'aud', 'check_failed'));
  refused.log(new errors.JWTClaimValidationFailed('unexpected', { aud: 'other' }, 'aud', 'check_failed'));
  expect(lines.map(({ claim }) => claim)).toEqual(['exp', 'iss', 'aud']);
});

test('a flood of refused tokens is one line in ten seconds, and the next line counts the others', () => {
  for (let i = 0; i < 100; i += 1) refused.log(new Error('x'));
  expect(lines.map(({ othersSinceLastLine }) => othersSinceLastLine)).toEqual([undefined]);
  now += 10_000;
  refused.log(new Error('x'));
  expect(lines.map(({ othersSinceLastLine }) => othersSinceLastLine)).toEqual([undefined, 99]);
});
