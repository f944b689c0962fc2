import type { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { configSubject, integer, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

/** What one caller may ask for in a minute. */
export const RATE_LIMITS = configSubject('Rate limits of a caller', {
  readCostPerMinute: integer('RATE_LIMIT_READ_COST', {
    default: 0,
    meaning:
      'Most that the operations of one caller may cost in a minute ("Cost" in docs/api.md), at least `GRAPHQL_MAX_COST`; 0 is no limit. All processes share it in Redis. A caller is the person of the token, otherwise the address (IPv6: its /64); admins have no limit.',
  }),
  mutationsPerMinute: integer('RATE_LIMIT_MUTATIONS', {
    default: 0,
    meaning: 'Most mutations of one caller in a minute; 0 is no limit.',
  }),
  trustedProxies: integer('TRUSTED_PROXIES', {
    default: 0,
    max: 10,
    meaning:
      'How many proxies stand in front, each of which adds an address to `X-Forwarded-For`: the address of a caller is that many entries from the end. 0 takes the address of the connection.',
  }),
});

export type RateLimitsConfig = ConfigOf<typeof RATE_LIMITS>;

/** @param maxCost what one operation may cost: a caller who may ask for less in a minute could never ask for it */
export function readRateLimitsConfig(env: EnvReader, maxCost: number): RateLimitsConfig {
  const config = env.read(RATE_LIMITS);
  const { readCostPerMinute } = config;
  if (readCostPerMinute > 0 && readCostPerMinute < maxCost) {
    env.problem(
      `RATE_LIMIT_READ_COST must be 0 or at least GRAPHQL_MAX_COST (${maxCost}), what one operation may cost, not ${readCostPerMinute}`,
    );
  }
  return config;
}
