import { configSubject, integer } from '@exact-ratings/shared/config/variable.js';

export const RATING_CACHE = configSubject('Ratings in Redis', {
  commandTimeoutMs: integer('REDIS_COMMAND_TIMEOUT_MS', {
    default: 100,
    min: 1,
    max: 60_000,
    meaning: 'A read of Redis that takes longer is answered by PostgreSQL.',
  }),
});
