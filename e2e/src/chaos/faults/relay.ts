import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { countOutbox } from '../../checks/backlog.js';
import type { Testbed } from '../../testbed.js';
import { sumOverWorkers } from '../../checks/worker-metrics.js';
import { publishingApi } from './connection-owner.js';
import type { Fault } from './fault.js';
import { currentProcess, untilReady } from './service-faults.js';

/**
 * Locks rows of the outbox until the relay, having published them, waits to delete them; then calls `meanwhile`.
 * @returns the count of locked rows
 */
async function holdRelayBeforeDelete(bed: Testbed, meanwhile: () => Promise<void>): Promise<number> {
  const client = await bed.pool.connect();
  try {
    for (let attempt = 0; attempt < 500; attempt += 1) {
      await client.query('BEGIN');
      const { rowCount } = await client.query('SELECT position FROM outbox ORDER BY position FOR UPDATE');
      const isBlocked =
        rowCount !== 0 &&
        (await waitUntil(() => publishingApi(bed, true), { timeoutMs: 1_500, intervalMs: 5 })) !== undefined;
      if (isBlocked) {
        await meanwhile();
        await client.query('COMMIT');
        return rowCount ?? 0;
      }
      await client.query('COMMIT');
      await delay(2);
    }
    throw new Error('the relay was never found between the acknowledgement and the deletion');
  } finally {
    client.release();
  }
}

/** Freezes the API whose relay is publishing a batch. One that had finished by then is resumed, and the next is tried. */
async function freezePublishingApi(bed: Testbed): Promise<ServiceProcess> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const api = await waitUntil(() => publishingApi(bed), { timeoutMs: 10_000, intervalMs: 1 });
    if (api === undefined) continue;
    const current = await currentProcess(api);
    current.pause();
    await delay(200);
    if ((await publishingApi(bed)) === api) return current;
    current.resume();
  }
  throw new Error('no relay was found publishing a batch within 60 s');
}

export const relayFaults: readonly Fault[] = [
  {
    name: 'relay-kill-before-delete',
    row: 3,
    title: "kill -9 of the API whose relay has Kafka's acknowledgement and has not yet deleted the rows",
    repeatable: true,
    inject: async ({ bed, note }) => {
      const before = await sumOverWorkers(bed, 'rating_events_total{result="duplicate"}');
      const rows = await holdRelayBeforeDelete(bed, async () => {
        const api = await publishingApi(bed, true);
        if (api === undefined) throw new Error('the API of the blocked relay was not found');
        await (await currentProcess(api)).kill();
      });
      await waitUntil(async () => (await countOutbox(bed)) === 0, { timeoutMs: 20_000 });
      await delay(500);
      const duplicates = (await sumOverWorkers(bed, 'rating_events_total{result="duplicate"}')) - before;
      note(`${rows} rows were held, ${duplicates} duplicates`);
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.apis),
  },
  {
    name: 'relay-four-apis',
    row: 4,
    title: 'four APIs, each with a relay, on spread products',
    shape: { apis: 4, workers: 2 },
    load: { authors: 24, pauseMs: 0 },
    inject: async ({ load }) => load.untilAnswered(600, 180_000),
    verify: async ({ bed, violation }) => {
      const gaps = await sumOverWorkers(bed, 'rating_gaps_total');
      if (gaps > 0) violation(`${gaps} gaps without any fault`);
    },
  },
  {
    name: 'relay-frozen',
    row: 31,
    title: 'SIGSTOP of the API whose relay publishes a batch, for 25 s; another relay takes over',
    repeatable: true,
    readsMayFail: true,
    // Its clients give up and go on elsewhere: were what it had read carried out later, reviews would be back, or changes gone.
    load: { timeoutMs: 3_000 },
    inject: async ({ bed, note, violation }) => {
      const frozen = await freezePublishingApi(bed);
      const began = Date.now();
      try {
        const before = await lastPosition(bed);
        const tookOver = await waitUntil(async () => (await firstPosition(bed)) > before, {
          timeoutMs: 25_000,
          intervalMs: 50,
        });
        if (tookOver === true) note(`another relay took over after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
        else violation('no other relay took over within 25 s');
        await delay(Math.max(0, 25_000 - (Date.now() - began)));
      } finally {
        frozen.resume();
      }
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.apis),
  },
];

/** Position of the newest row of the outbox; 0 when it is empty. */
async function lastPosition(bed: Testbed): Promise<number> {
  const { rows } = await bed.pool.query<{ position: number }>(
    'SELECT coalesce(max(position), 0)::float8 AS position FROM outbox',
  );
  return rows[0]!.position;
}

/** Position of the oldest row of the outbox; infinite when it is empty. */
async function firstPosition(bed: Testbed): Promise<number> {
  const { rows } = await bed.pool.query<{ position: number | null }>(
    'SELECT min(position)::float8 AS position FROM outbox',
  );
  return rows[0]!.position ?? Infinity;
}
