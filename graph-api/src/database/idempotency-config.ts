import { configSubject, integer } from '@exact-ratings/shared/config/variable.js';

export const IDEMPOTENCY = configSubject('Idempotency keys', {
  ttlSeconds: integer('IDEMPOTENCY_KEY_TTL_SECONDS', {
    default: 86_400,
    min: 1,
    max: 31_536_000,
    meaning:
      'For how long at least a mutation that was sent under a key may be repeated; the key is free again afterwards.',
  }),
});
