import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.js';
import { untilReady } from './service-faults.js';

export const postgresFaults: readonly Fault[] = [
  {
    name: 'postgres-restart',
    row: 17,
    title: 'PostgreSQL is stopped and started again after 3 s',
    repeatable: true,
    readsMayFail: true,
    inject: async ({ bed }) => {
      await bed.servers.postgres.stop();
      await delay(3_000);
      await bed.servers.postgres.start();
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.apis),
  },
  {
    name: 'postgres-kill',
    row: 17,
    title: 'kill -9 of all of PostgreSQL',
    repeatable: true,
    readsMayFail: true,
    inject: async ({ bed }) => {
      await bed.servers.postgres.kill();
      await bed.servers.postgres.start();
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.apis),
  },
  {
    name: 'postgres-backends-terminated',
    row: 17,
    title: 'all sessions of PostgreSQL are terminated, ten times in 5 s',
    repeatable: true,
    readsMayFail: true,
    inject: async ({ bed, note }) => {
      let count = 0;
      for (let round = 0; round < 10; round += 1) {
        const { rowCount } = await bed.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
        );
        count += rowCount ?? 0;
        await delay(500);
      }
      note(`${count} sessions`);
    },
    untilRecovered: ({ bed }) => untilReady(bed.system.apis),
  },
  {
    name: 'psql-changes',
    row: 26,
    title: 'reviews are inserted, changed and deleted by hand in psql while authors write',
    repeatable: true,
    foreignChanges: true,
    inject: async ({ bed, productIds, random, note }) => {
      let rows = 0;
      // Those by hand have neither author nor body; the load's have a body, also once their author was erased.
      for (let round = 0; round < 40; round += 1) {
        const some = random.shuffle(productIds).slice(0, 4);
        const { rowCount: inserted } = await bed.pool.query(
          `INSERT INTO reviews (product_id, rating)
           SELECT p, 1 + (random() * 4)::integer FROM unnest($1::uuid[]) p, generate_series(1, 5)`,
          [some],
        );
        const { rowCount: changed } = await bed.pool.query(
          `UPDATE reviews SET rating = 1 + rating % 5, status = CASE WHEN random() < 0.2 THEN 'PENDING' ELSE 'PUBLISHED' END
            WHERE product_id = ANY ($1) AND author_id IS NULL AND body IS NULL`,
          [some],
        );
        const { rowCount: deleted } = await bed.pool.query(
          'DELETE FROM reviews WHERE product_id = ANY ($1) AND author_id IS NULL AND body IS NULL AND random() < 0.3',
          [some],
        );
        rows += (inserted ?? 0) + (changed ?? 0) + (deleted ?? 0);
      }
      note(`${rows} rows`);
    },
  },
  {
    name: 'imports-in-opposite-order',
    row: 32,
    title: 'two imports over the same products in opposite order, 20 times, while authors write',
    repeatable: true,
    foreignChanges: true,
    inject: async ({ bed, productIds, violation }) => {
      const importAll = (order: 'ASC' | 'DESC') =>
        bed.pool.query(
          `INSERT INTO reviews (product_id, rating)
           SELECT p, 1 + n % 5 FROM unnest($1::uuid[]) p, generate_series(1, 20) n ORDER BY p ${order}, n`,
          [productIds],
        );
      for (let round = 0; round < 20; round += 1) {
        const outcomes = await Promise.allSettled([importAll('ASC'), importAll('DESC')]);
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') violation(`an import failed: ${String(outcome.reason)}`);
        }
      }
    },
  },
];
