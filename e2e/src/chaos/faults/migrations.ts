import { launchMigration } from './extra-process.js';
import type { Fault, FaultContext } from './fault.js';

/** Two migrations of one database at once; both must succeed. */
async function migrateTwice({ bed, name, violation }: FaultContext, variables: Readonly<Record<string, string>>) {
  const runs = await Promise.all([1, 2].map((run) => launchMigration(bed, `${name}-${run}`, variables)));
  const exits = await Promise.all(runs.map(({ exited }) => exited));
  const failed = exits.filter(({ code }) => code !== 0);
  if (failed.length > 0) violation(`${failed.length} of 2 migrations failed (${JSON.stringify(failed[0])})`);
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
