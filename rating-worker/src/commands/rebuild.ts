import { parseArgs } from 'node:util';
import { maintain, progressOf, refuseArguments, say } from './maintenance.js';
import { rebuildRatings } from './rebuild-ratings.js';

const USAGE = `Writes ratings in Redis anew from SQL; traffic may go on.

  npm run ratings:rebuild -- --all
  npm run ratings:rebuild -- PRODUCT_ID [PRODUCT_ID …]

At most RECONCILER_REBUILDS_PER_SECOND products a second. What is newer in Redis stays.
Exit code: 0 done, 1 some ids are not known, 3 it failed.
`;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readArguments(): string[] | null {
  try {
    const { values, positionals } = parseArgs({
      options: { all: { type: 'boolean', default: false }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (values.all === positionals.length > 0) throw new Error('either --all or the ids of products');
    const malformed = positionals.find((id) => !UUID.test(id));
    if (malformed !== undefined) throw new Error(`"${malformed}" is not the id of a product`);
    return values.all ? null : positionals.map((id) => id.toLowerCase());
  } catch (error) {
    refuseArguments(error, USAGE);
  }
}

const productIds = readArguments();
await maintain(process.env, async (maintenance) => {
  const { rebuilt, unknown } = await rebuildRatings(maintenance, productIds, progressOf('products rebuilt'));
  for (const id of unknown) say(`unknown: ${id}`);
  say(`${rebuilt.toLocaleString('en')} products rebuilt${maintenance.signal.aborted ? ', then stopped' : ''}`);
  return unknown.length > 0 ? 1 : 0;
});
