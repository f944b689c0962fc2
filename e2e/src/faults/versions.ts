import type { Fault } from './fault.js';

const PAYLOAD = 'review_event_payload(uuid, text, uuid, uuid, integer, smallint, smallint)';

export const versionFaults: readonly Fault[] = [
  {
    name: 'newer-api-older-worker',
    row: 28,
    title: 'a newer API, whose events have fields that this worker does not know',
    strike: async ({ bed, load }) => {
      await bed.pool.query(`ALTER FUNCTION ${PAYLOAD} RENAME TO review_event_payload_of_now`);
      await bed.pool.query(`
        CREATE FUNCTION review_event_payload(
          event_id uuid, type text, product_id uuid, review_id uuid, seq integer, previous_rating smallint, rating smallint
        ) RETURNS json LANGUAGE sql AS $$
          SELECT (review_event_payload_of_now(event_id, type, product_id, review_id, seq, previous_rating, rating)::jsonb
                  || '{"sentiment": {"score": 0.5}, "locale": "de"}')::json
        $$`);
      try {
        await load.untilAnswered(200, 120_000);
      } finally {
        await bed.pool.query(`DROP FUNCTION ${PAYLOAD}`);
        await bed.pool.query(
          `ALTER FUNCTION ${PAYLOAD.replace('review_event_payload', 'review_event_payload_of_now')}
             RENAME TO review_event_payload`,
        );
      }
    },
  },
];
