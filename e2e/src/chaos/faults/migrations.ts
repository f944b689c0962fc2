import { runMigrations } from '@exact-ratings/stack/processes/migrate-process.js';
import type { Fault, FaultContext } from './fault.js';

/** Two migrations of one database at once; both must succeed. */
async function migrateTwice({ bed, violation }: FaultContext, variables: Readonly<Record<string, string>>) {
  const migrate = () => runMigrations({ ...bed.system.env, ...variables }, bed.system.stack);
  const outcomes = await Promise.allSettled([migrate(), migrate()]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') violation(String(outcome.reason));
}

export const migrationFaults: readonly Fault[] = [
  {
    name: 'two-migrations',
    row: 41,
    title: 'two migrations at once: of an empty database, three times, and of the one under load',
    repeatable: true,
    inject: async (context) => {
      const { bed, name } = context;
      for (let round = 1; round <= 3; round += 1) {
        const database = `${name}_${round}`.replaceAll('-', '_');
        await bed.pool.query(`CREATE DATABASE ${database}`);
        await migrateTwice(context, { DATABASE_DB: database });
        await bed.pool.query(`DROP DATABASE ${database} WITH (FORCE)`);
      }
      await migrateTwice(context, {});
    },
  },
];
