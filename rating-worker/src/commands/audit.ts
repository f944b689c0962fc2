import { parseArgs } from 'node:util';
import { auditRatings } from '../drift/rating-audit.js';
import { maintain, progressOf, refuseArguments, say, type Maintenance } from './maintenance.js';

const USAGE = `Compares every product's rating in Redis with SQL.

  npm run ratings:audit -- [--wait SECONDS] [--repair]

  --wait SECONDS  how long to look again at what is behind; 0 by default
  --repair        heal what differs first, as the reconciler does, then compare

Connects as DATABASE_* and REDIS_* in the environment say.
Exit code: 0 all equal (missing keys are fine), 1 some differ, 2 some stayed behind, 3 the audit failed.
`;

const MAX_LISTED = 20;
const MAX_REPAIR_ROUNDS = 3;

function readArguments(): { waitMs: number; repair: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        wait: { type: 'string', default: '0' },
        repair: { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (!/^\d{1,6}$/.test(values.wait)) throw new Error(`--wait takes a number of seconds, not "${values.wait}"`);
    return { waitMs: Number(values.wait) * 1_000, repair: values.repair };
  } catch (error) {
    refuseArguments(error, USAGE);
  }
}

/** What turns out to be a tombstone once its corrupt keys are gone takes a second round. */
async function repairRatings(passes: Maintenance['passes'], signal: AbortSignal): Promise<void> {
  say('repairing …');
  for (let round = 1; round <= MAX_REPAIR_ROUNDS && !signal.aborted; round += 1) {
    const forward = await passes.forward({ content: true, refill: false }, signal);
    const reverse = await passes.reverse(signal);
    const found = forward.found + reverse.found;
    const healed = forward.healed + reverse.healed;
    say(`${found} found that differ, ${healed} healed`);
    if (healed === found) return;
  }
}

const { waitMs, repair } = readArguments();
await maintain(process.env, async ({ store, pool, passes, signal }) => {
  if (repair) await repairRatings(passes, signal);
  let listed = 0;
  const report = await auditRatings(store, pool, {
    waitMs,
    onProgress: progressOf('products compared'),
    onFinding: ({ productId, kind, detail }) => {
      listed += 1;
      if (listed <= MAX_LISTED) say(`${kind.toLowerCase()}: ${productId}: ${detail}`);
    },
  });
  if (listed > MAX_LISTED) say(`… and ${listed - MAX_LISTED} more`);
  say(
    `${report.compared.toLocaleString('en')} products compared: ${report.equal} equal, ${report.missing} missing, ` +
      `${report.behind} behind, ${report.different} different`,
  );
  return report.different > 0 ? 1 : report.behind > 0 ? 2 : 0;
});
