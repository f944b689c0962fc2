import { configSubject, oneOf } from '@exact-ratings/shared/config/variable.js';

export const REVIEWS = configSubject('Reviews', {
  moderation: oneOf('REVIEW_MODERATION', ['off', 'on'], {
    default: 'off',
    meaning:
      'With `on` a new or changed review waits as PENDING until an admin decides; with `off` it is public at once. Admins may reject and publish either way.',
  }),
});
