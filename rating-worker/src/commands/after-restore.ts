import { parseArgs } from 'node:util';
import { sequenceOf } from '@exact-ratings/shared/rating/rating-state.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { OrphanScan, runScan } from '../drift/drift-scans.js';
import { productPages } from '../drift/product-scan.js';
import { createProgress, EXIT, print, UNCOUNTED_ADVICE, UsageError, type Command } from './command.js';
import { withMaintenance, type Maintenance } from './maintenance.js';

const USAGE = `For the day after an older backup of PostgreSQL was put back.

  npm run ratings -- after-restore --yes

Redis and Kafka still hold events of the discarded timeline. Every product's sequence number is advanced past them (they are
duplicates then), its rating is rebuilt from PostgreSQL, and keys of products that the backup does not have are removed.
Traffic may go on. The reconciler does the same for what it finds; this does it at once, for all.
Exit code: 0 done, 1 the reviews of some could not be counted, 3 it failed.
`;

const PAGE_SIZE = 200;

export const afterRestore: Command = {
  usage: USAGE,
  run: async (args, environment) => {
    requireYes(args);
    return withMaintenance(environment, async (maintenance) => {
      const { config, signal } = maintenance;
      const { advanced, setAside } = await advanceAll(maintenance);
      const orphans = await runScan(new OrphanScan(maintenance), config.pageIntervalMs, signal);
      for (const id of setAside) print(`advanced, but not rebuilt: ${id}: ${UNCOUNTED_ADVICE}`);
      print(
        `${advanced.toLocaleString('en')} products advanced and rebuilt, the keys of ${orphans.repaired} removed` +
          (signal.aborted ? ', then stopped' : ''),
      );
      return setAside.length > 0 ? EXIT.FINDINGS : EXIT.OK;
    });
  },
};

function requireYes(args: readonly string[]): void {
  try {
    const { values } = parseArgs({ args: [...args], options: { yes: { type: 'boolean' } } });
    if (values.yes !== true) throw new Error('it changes the sequence numbers of all products: add --yes');
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** @returns how many products were advanced past what Redis holds of them and rebuilt, and those that could not be rebuilt */
async function advanceAll({
  database,
  store,
  advancer,
  limiter,
  signal,
}: Maintenance): Promise<{ advanced: number; setAside: string[] }> {
  const onProgress = createProgress('products advanced and rebuilt');
  const report = { advanced: 0, setAside: [] as string[] };
  for await (const { ids: page } of productPages(database, PAGE_SIZE)) {
    if (signal.aborted) break;
    await limiter.take(page.length, signal);
    const stored = await store.inspectMany(page);
    const observed = page.map((productId, i) => ({ productId, seq: sequenceOf(stored[i]!) }));
    const { sequences, setAside } = await advancer.advance(observed);
    report.advanced += sequences.size;
    report.setAside.push(...setAside);
    onProgress(report.advanced);
  }
  return report;
}
