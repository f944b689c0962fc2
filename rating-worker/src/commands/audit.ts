import { parseArgs } from 'node:util';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { CatalogueScan, OrphanScan, runScan } from '../drift/drift-scans.js';
import { auditRatings } from '../drift/rating-audit.js';
import { createProgress, EXIT, print, UNCOUNTED_ADVICE, UsageError, type Command } from './command.js';
import { withMaintenance, type Maintenance } from './maintenance.js';

const USAGE = `Compares every product's rating in Redis, and its persisted rating, with PostgreSQL.

  npm run ratings -- audit [--wait SECONDS] [--repair]

  --wait SECONDS  how long to look again at what is behind; 0 by default
  --repair        repair what differs first, as the reconciler does, then compare

Exit code: 0 all equal (missing keys are fine), 1 some differ or could not be counted, 2 some stayed behind, 3 the audit failed.
`;

const MAX_LISTED = 20;
const MAX_REPAIR_ROUNDS = 3;

export const audit: Command = {
  usage: USAGE,
  run: async (args, environment) => {
    const { waitMs, repair } = readArguments(args);
    return withMaintenance(environment, async (maintenance) => {
      if (repair) await repairRatings(maintenance);
      return compareAll(maintenance, waitMs);
    });
  },
};

function readArguments(args: readonly string[]): { waitMs: number; repair: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { wait: { type: 'string', default: '0' }, repair: { type: 'boolean', default: false } },
    });
    if (!/^\d{1,6}$/.test(values.wait)) throw new Error(`--wait takes a number of seconds, not "${values.wait}"`);
    return { waitMs: Number(values.wait) * 1_000, repair: values.repair };
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** What turns out to be a tombstone once its corrupt keys are gone takes a second round. */
async function repairRatings({ signal, ...parts }: Maintenance): Promise<void> {
  print('repairing …');
  for (let round = 1; round <= MAX_REPAIR_ROUNDS && !signal.aborted; round += 1) {
    const counts = await runScan(new CatalogueScan('counts', parts), parts.config.pageIntervalMs, signal);
    const orphans = await runScan(new OrphanScan(parts), parts.config.pageIntervalMs, signal);
    const found = counts.found + orphans.found;
    const repaired = counts.repaired + orphans.repaired;
    print(`${found} found that differ, ${repaired} repaired`);
    if (repaired === found) return;
  }
}

async function compareAll(maintenance: Maintenance, waitMs: number): Promise<number> {
  let listed = 0;
  const report = await auditRatings(maintenance, {
    waitMs,
    onProgress: createProgress('products compared'),
    onFinding: ({ productId, kind, detail }) => {
      listed += 1;
      if (listed <= MAX_LISTED) print(`${kind.toLowerCase()}: ${productId}: ${detail}`);
    },
  });
  if (listed > MAX_LISTED) print(`… and ${listed - MAX_LISTED} more`);
  print(
    `${report.compared.toLocaleString('en')} products compared: ${report.equal} equal, ${report.missing} missing, ` +
      `${report.behind} behind, ${report.different} different` +
      (report.withoutStream > 0 ? `, ${report.withoutStream} without a stream (--repair makes it)` : '') +
      (report.persistedWrongly > 0 ? `, ${report.persistedWrongly} persisted wrongly (--repair puts it right)` : '') +
      (report.uncounted > 0 ? `, ${report.uncounted} not counted: ${UNCOUNTED_ADVICE}` : ''),
  );
  if (report.different + report.withoutStream + report.persistedWrongly + report.uncounted > 0) return EXIT.FINDINGS;
  return report.behind > 0 ? EXIT.BEHIND : EXIT.OK;
}
