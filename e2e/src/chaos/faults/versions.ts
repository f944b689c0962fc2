import type { Fault } from './fault.js';

const PAYLOAD = 'review_event_payload';

export const versionFaults: readonly Fault[] = [
  {
    name: 'newer-api-older-worker',
    row: 28,
    title: 'a newer API, whose events have fields that this worker does not know',
    inject: async ({ bed, load }) => {
      const { rows } = await bed.pool.query<{ body: string; definition: string }>(
        'SELECT prosrc AS body, pg_get_functiondef(oid) AS definition FROM pg_proc WHERE proname = $1',
        [PAYLOAD],
      );
      const { body, definition } = rows[0]!;
      const newer = `SELECT ((${body.trim()})::jsonb || '{"sentiment": {"score": 0.5}, "locale": "de"}')::json`;
      await bed.pool.query(definition.replace(body, () => newer));
      try {
        await load.untilAnswered(200, 120_000);
      } finally {
        await bed.pool.query(definition);
      }
    },
  },
];
