import { configSubject, integer } from '@exact-ratings/shared/config/variable.js';

export const RATING_CACHE = configSubject('Ratings in Redis', {
  commandTimeoutMs: integer('REDIS_COMMAND_TIMEOUT_MS', {
    default: 100,
    min: 1,
    max: 60_000,
    meaning: 'A read of Redis that takes longer is answered by PostgreSQL.',
  }),
  ownWritesSeconds: integer('RATING_OWN_WRITES_SECONDS', {
    default: 30,
    min: 1,
    max: 3_600,
    meaning:
      'How long a process remembers which ratings a caller has changed, at least: until Redis holds them, PostgreSQL answers that caller. It must outlast the replacement of a killed worker.',
  }),
});
