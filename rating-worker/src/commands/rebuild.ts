import { parseArgs } from 'node:util';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { isUuid } from '@exact-ratings/shared/events/uuid.js';
import { productPages, type ProductPage } from '../drift/product-scan.js';
import { createProgress, EXIT, print, UNCOUNTED_ADVICE, UsageError, type Command } from './command.js';
import { withMaintenance, type Maintenance } from './maintenance.js';

const USAGE = `Rebuilds ratings in Redis from PostgreSQL; traffic may go on.

  npm run ratings -- rebuild --all
  npm run ratings -- rebuild PRODUCT_ID [PRODUCT_ID …]

At most RECONCILER_REBUILDS_PER_SECOND products a second. What is newer in Redis stays.
Exit code: 0 done, 1 some ids are not known or their reviews could not be counted, 3 it failed.
`;

const PAGE_SIZE = 200;

export const rebuild: Command = {
  usage: USAGE,
  run: async (args, environment) => {
    const productIds = readArguments(args);
    return withMaintenance(environment, async (maintenance) => {
      const { rebuilt, unknown, setAside } = await rebuildRatings(maintenance, productIds);
      for (const id of unknown) print(`unknown: ${id}`);
      for (const id of setAside) print(`not counted: ${id}: ${UNCOUNTED_ADVICE}`);
      print(`${rebuilt.toLocaleString('en')} products rebuilt${maintenance.signal.aborted ? ', then stopped' : ''}`);
      return unknown.length + setAside.length > 0 ? EXIT.FINDINGS : EXIT.OK;
    });
  },
};

/** @returns the ids, or null for all products */
function readArguments(args: readonly string[]): string[] | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { all: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    if (values.all === positionals.length > 0) throw new Error('either --all or the ids of products');
    const ids = positionals.map((id) => id.toLowerCase());
    const malformed = ids.find((id): boolean => !isUuid(id));
    if (malformed !== undefined) throw new Error(`"${malformed}" is not the id of a product`);
    return values.all ? null : ids;
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** Rebuilds these products, or with null all; `unknown` are ids that PostgreSQL does not have, `setAside` products that it could not count. */
async function rebuildRatings(
  { database, rebuilder, limiter, signal }: Maintenance,
  productIds: readonly string[] | null,
): Promise<{ rebuilt: number; unknown: string[]; setAside: string[] }> {
  const report = { rebuilt: 0, unknown: [] as string[], setAside: [] as string[] };
  const onProgress = createProgress('products rebuilt');
  for await (const { ids: page } of productIds === null ? productPages(database, PAGE_SIZE) : pagesOf(productIds)) {
    if (signal.aborted) break;
    await limiter.take(page.length, signal);
    const { sequences, setAside } = await rebuilder.rebuild(page);
    report.rebuilt += sequences.size;
    report.setAside.push(...setAside);
    report.unknown.push(...page.filter((id) => !sequences.has(id) && !setAside.includes(id)));
    onProgress(report.rebuilt);
  }
  return report;
}

function* pagesOf(ids: readonly string[]): Generator<Pick<ProductPage, 'ids'>> {
  for (let start = 0; start < ids.length; start += PAGE_SIZE) yield { ids: ids.slice(start, start + PAGE_SIZE) };
}
