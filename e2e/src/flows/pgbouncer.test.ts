import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { providePgBouncer, type PgBouncerProgram } from '@exact-ratings/stack/servers/programs/pgbouncer.js';
import { findUnprivilegedUser } from '@exact-ratings/stack/servers/unprivileged-user.js';
import { stackPaths } from '@exact-ratings/stack/stack-paths.js';
import { checkHistories } from '../checks/history-check.js';
import { formatDeviations, waitForSteadyState } from '../checks/steady-state.js';
import { findTopicViolations, readCommittedEvents, readTopic, recordCommittedEvents } from '../checks/witness.js';
import { createProducts, startTestbed, type Testbed } from '../testbed.js';
import { Load } from '../workload/load.js';

/** All PostgreSQL traffic of 2 APIs, a worker, the migrations and the audit through PgBouncer in transaction mode. */
const found = await findPgBouncer();

async function findPgBouncer(): Promise<PgBouncerProgram | string> {
  const { programs } = stackPaths('e2e-pgbouncer');
  try {
    return await providePgBouncer(programs, await findUnprivilegedUser(), process.env['PGBOUNCER']);
  } catch (error) {
    return errorMessage(error);
  }
}

/** PgBouncer tracks prepared statements from 1.21 on, unless it is told not to; older ones know no such setting. */
const tracksStatements = typeof found !== 'string' && found.version.localeCompare('1.21', 'en', { numeric: true }) >= 0;
const CASES = tracksStatements
  ? [{ max_prepared_statements: '200' }, { max_prepared_statements: '0' }]
  : [{} as Record<string, string>];

if (typeof found === 'string') {
  console.warn(`The tests with PgBouncer are skipped. ${found}`);
  test.skip('through PgBouncer', () => undefined);
} else {
  describe.each(CASES)(`through PgBouncer ${found.version} %j`, (settings) => {
    let bed: Testbed;

    beforeAll(async () => {
      bed = await startTestbed({
        name: `e2e-pgbouncer-${settings['max_prepared_statements'] ?? 'old'}`,
        apis: 2,
        pgBouncer: { program: found, settings: { default_pool_size: '6', ...settings } },
      });
    }, 240_000);
    afterAll(async () => {
      await bed?.close();
    }, 90_000);

    test('an API is killed under load: every acknowledged mutation is there, ratings are exact, the topic is in order', async () => {
      expect(bed.system.env['DATABASE_PORT']).not.toBe(bed.env['DATABASE_PORT']);
      await recordCommittedEvents(bed);
      const productIds = await createProducts(bed, 8, 'Kettle');
      const load = new Load(bed, { name: 'load', productIds, authors: 10, seed: 1 }).start();
      await load.untilAnswered(200);
      await bed.system.apis[0]!.current!.kill();
      await load.untilAnswered(200);
      await bed.system.apis[0]!.waitUntilReady();
      await load.untilAnswered(100);
      await load.stop();

      expect(formatDeviations(await waitForSteadyState(bed, 90_000))).toEqual([]);
      expect(await checkHistories(bed, [load.history])).toEqual([]);
      expect(findTopicViolations(await readCommittedEvents(bed, productIds), await readTopic(bed))).toEqual([]);
      const { exitCode, output } = await runRatingsAudit(bed.system.env, ['--wait', '30']);
      expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
      const { rows } = await bed.pool.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM pg_stat_activity
          WHERE datname = current_database() AND application_name <> '' AND pid <> pg_backend_pid()`,
      );
      expect(rows[0]!.count).toBeLessThanOrEqual(6);
    }, 240_000);
  });
}
