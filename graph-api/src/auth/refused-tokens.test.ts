import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readGraphApiConfig } from '../config.js';
import { RefusedTokens } from './refused-tokens.js';

test('a flood of refused tokens is one line in ten seconds, and the next line counts the others', () => {
  const lines: Array<Record<string, unknown>> = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const { auth } = readGraphApiConfig({ JWT_SECRET: 'x'.repeat(32) });
  let now = 1_000_000;
  const refused = new RefusedTokens(auth, createLogger('graph-api', 'info', { write }), () => now);
  for (let i = 0; i < 100; i += 1) refused.log(new Error('x'));
  expect(lines.map(({ othersSinceLastLine }) => othersSinceLastLine)).toEqual([undefined]);
  now += 10_000;
  refused.log(new Error('x'));
  expect(lines.map(({ othersSinceLastLine }) => othersSinceLastLine)).toEqual([undefined, 99]);
});
