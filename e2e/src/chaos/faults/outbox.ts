import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { countOutbox } from '../../checks/backlog.js';
import { timeToRecovery } from '../../checks/steady-state.js';
import type { Testbed } from '../../testbed.js';
import { FaultProxy } from '../../fault-proxy.js';
import { launchApi } from './extra-process.js';
import type { Fault, FaultContext } from './fault.js';
import { untilReady } from './service-faults.js';

/** Events that pass the outbox while a snapshot is open elsewhere. */
const EVENTS = 200_000;
const EVENTS_A_STATEMENT = 10_000;

/**
 * A change is as fresh as before, however many dead rows the outbox has: at most twice the time, or this. A relay that
 * walks the dead rows took 420 ms instead of 80.
 */
const FRESH_WITHIN_MS = 300;

/** Another relay must publish within this time when a relay's host vanishes: it holds the lock for 8 s at most. */
const TAKE_OVER_MS = 30_000;

/** The median of the times from a change until Redis holds it, five in a row. */
async function freshness({ bed, productIds }: FaultContext): Promise<number> {
  const times: number[] = [];
  for (const id of productIds.slice(0, 5)) {
    const began = Date.now();
    await bed.pool.query('INSERT INTO reviews (product_id, rating) VALUES ($1, 4)', [id]);
    await timeToRecovery(bed, [id], 60_000);
    times.push(Date.now() - began);
  }
  return times.sort((a, b) => a - b)[2]!;
}

/** Whether a relay's session waits to write to its client, whose host reads nothing any more. */
async function isWritingToNobody(bed: Testbed): Promise<boolean> {
  const { rowCount } = await bed.pool.query(
    `SELECT FROM pg_stat_activity WHERE application_name = 'outbox-relay' AND wait_event = 'ClientWrite'`,
  );
  return rowCount !== 0;
}

export const outboxFaults: readonly Fault[] = [
  {
    name: 'relay-host-vanishes',
    row: 37,
    title:
      'the host of the relay that reads a batch vanishes, and PostgreSQL writes to a full socket; another relay takes over',
    recoverWithinMs: 30_000,
    foreignChanges: true,
    inject: async ({ bed, productIds, name, note, violation }) => {
      const proxy = await FaultProxy.start(bed.servers.postgres.port);
      await bed.servers.kafka.kill();
      await bed.pool.query(
        'INSERT INTO reviews (product_id, rating) SELECT p, 3 FROM unnest($1::uuid[]) p, generate_series(1, 300)',
        [productIds],
      );
      // 2,000 rows are then more than the buffers of a socket hold; the worker ignores the field.
      await bed.pool.query(
        `UPDATE outbox SET payload = (payload::jsonb || jsonb_build_object('padding', repeat('x', 2000)))::json`,
      );
      proxy.setMode({ kind: 'vanish', afterBytes: 65_536 });
      const { process: api } = await launchApi(bed, name, {
        DATABASE_PORT: String(proxy.port),
        OUTBOX_BATCH_SIZE: '2000',
        // It tries for the lock as soon as another relay lets it go.
        OUTBOX_POLL_INTERVAL_MS: '10',
      });
      try {
        const vanished = await waitUntil(() => proxy.vanished > 0, { timeoutMs: 60_000, intervalMs: 10 });
        if (vanished !== true) throw new Error('no relay read a batch through the proxy within 60 s');
        const began = Date.now();
        const blocked = await waitUntil(() => isWritingToNobody(bed), { timeoutMs: 2_000, intervalMs: 50 });
        note(blocked === true ? 'PostgreSQL was in ClientWrite' : 'the batch fitted into the socket');
        await bed.servers.kafka.start();
        const before = await countOutbox(bed);
        const published = await waitUntil(async () => (await countOutbox(bed)) < before - 1_000, {
          timeoutMs: 2 * TAKE_OVER_MS,
          intervalMs: 50,
        });
        const ms = Date.now() - began;
        if (published === true) note(`another relay took over after ${(ms / 1_000).toFixed(1)} s`);
        if (published !== true || ms > TAKE_OVER_MS) violation(`no relay took over within ${TAKE_OVER_MS} ms`);
      } finally {
        await api.kill();
        await proxy.close();
      }
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.workers),
  },
  {
    name: 'outbox-open-snapshot',
    row: 38,
    title: `a forgotten transaction keeps its snapshot while ${EVENTS / 1_000},000 events pass the outbox`,
    foreignChanges: true,
    inject: async (context) => {
      const { bed, productIds, note, violation } = context;
      const before = await freshness(context);
      const forgotten = await bed.pool.connect();
      try {
        await forgotten.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        await forgotten.query('SELECT FROM outbox LIMIT 1');
        const began = Date.now();
        for (let written = 0; written < EVENTS; written += EVENTS_A_STATEMENT) {
          await bed.pool.query(
            `INSERT INTO reviews (product_id, rating)
             SELECT p, 1 + n % 5 FROM unnest($1::uuid[]) p, generate_series(1, $2::integer) n`,
            [productIds, Math.ceil(EVENTS_A_STATEMENT / productIds.length)],
          );
          await waitUntil(async () => (await countOutbox(bed)) < EVENTS_A_STATEMENT, { timeoutMs: 60_000 });
        }
        const drained = await timeToRecovery(bed, productIds, 120_000);
        if (drained === undefined) violation('Redis did not hold the events within 120 s');
        note(`${EVENTS} events in ${Math.round((Date.now() - began) / 1_000)} s`);
        const during = await freshness(context);
        note(`a change was in Redis after ${before} ms before, and after ${during} ms with their dead rows`);
        const bound = Math.max(FRESH_WITHIN_MS, 2 * before);
        if (during > bound) violation(`a change took ${during} ms; ${bound} were allowed`);
      } finally {
        await forgotten.query('ROLLBACK').catch(() => undefined);
        forgotten.release();
      }
    },
  },
];
