import { configSubject, integer } from '../config/variable.js';

export const RATING_STORE = configSubject('Ratings in Redis', {
  ttlSeconds: integer('RATING_TTL_SECONDS', {
    default: 0,
    max: 10 * 365 * 86_400,
    meaning: 'How long a rating stays in Redis without a change; 0 means for ever.',
  }),
});
