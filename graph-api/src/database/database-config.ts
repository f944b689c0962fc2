import { configSubject, integer } from '@exact-ratings/shared/config/variable.js';

export const DATABASE_POOL = configSubject('PostgreSQL', {
  size: integer('DATABASE_POOL_SIZE', {
    default: 10,
    min: 1,
    max: 500,
    meaning: 'Most connections of one graph-api process; the relay has one more.',
  }),
  pipelined: integer('DATABASE_PIPELINED_CONNECTIONS', {
    default: 2,
    min: 0,
    max: 16,
    meaning:
      'How many of them short reads share, each sending further statements before it has its answers; 0 turns it off. One connection is always left for other reads.',
  }),
});
