import { boolean, configSubject, integer, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

export const PERSISTENCE = configSubject('Weighted ratings', {
  enabled: boolean('RATING_PERSISTENCE_ENABLED', {
    default: true,
    meaning:
      'Whether this worker persists ratings for the orders and filters by rating, and for `ratingHistory`. One worker is enough; with several one is at work at a time.',
  }),
  intervalMs: integer('RATING_PERSISTENCE_INTERVAL_MS', {
    default: 60_000,
    min: 50,
    max: 86_400_000,
    meaning: 'From the end of a pass over the ratings that have changed to the start of the next.',
  }),
});

export type PersistenceConfig = ConfigOf<typeof PERSISTENCE>;
