import { configSubject, integer } from '@exact-ratings/shared/config/variable.js';

export const DATABASE_POOL = configSubject('PostgreSQL', {
  size: integer('DATABASE_POOL_SIZE', {
    default: 10,
    min: 1,
    max: 500,
    meaning: 'Most connections of one graph-api process; the relay has one more.',
  }),
});
