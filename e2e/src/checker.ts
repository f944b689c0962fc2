import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { isDrained, readBacklog, type Backlog } from './pipeline-drained.js';
import { compareRatings, readRatings, type Comparison } from './ratings-comparison.js';
import type { Testbed } from './testbed.js';

/** How the system stands at rest. */
export interface Rest {
  readonly comparison: Comparison;
  readonly backlog: Backlog;
  /** From the call until everything was drained and equal; undefined when that was not in time. */
  readonly ms: number | undefined;
}

/**
 * E: waits until the pipeline has drained and every cached rating equals SQL, and looks once more, so that what comes
 * late is seen. Nothing may write meanwhile.
 */
export async function waitUntilExact(bed: Testbed, timeoutMs = 60_000): Promise<Rest> {
  const began = Date.now();
  let last: { comparison: Comparison; backlog: Backlog } | undefined;
  let failure: unknown;
  const look = async (): Promise<boolean> => {
    try {
      const backlog = await readBacklog(bed);
      const comparison = await compareRatings(bed);
      last = { comparison, backlog };
      return isDrained(backlog) && comparison.behind.length === 0 && comparison.different.length === 0;
    } catch (error) {
      failure = error;
      return false;
    }
  };
  const exact = await waitUntil(look, { timeoutMs, intervalMs: 100 });
  const ms = Date.now() - began;
  const stayed = exact === true && (await delay(300), await look());
  if (last === undefined) throw new Error('the servers could not be asked', { cause: failure });
  return { ...last, ms: stayed ? ms : undefined };
}

/** A line for each thing that is not as it must be at rest; empty when all is exact. */
export function describeRest({ comparison, backlog, ms }: Rest): string[] {
  if (ms !== undefined) return [];
  const { behind, different } = comparison;
  return [
    ...(isDrained(backlog) ? [] : [`not drained: ${JSON.stringify(backlog)}`]),
    ...behind.slice(0, 5).map((one) => `behind: ${one.productId}: Redis ${one.redis}, SQL ${one.sql}`),
    ...different.slice(0, 5).map((one) => `different: ${one.productId}: Redis ${one.redis}, SQL ${one.sql}`),
    `E: ${behind.length} behind, ${different.length} different of ${comparison.compared}`,
  ];
}

/**
 * R: the time from the call until Redis holds, for each of these products, all that SQL held at the call. Load may go
 * on. Undefined when that was not in time.
 */
export async function timeToHeal(
  bed: Testbed,
  productIds: readonly string[],
  timeoutMs = 60_000,
): Promise<number | undefined> {
  const began = Date.now();
  let targets: Map<string, number> | undefined;
  const healed = await waitUntil(
    async () => {
      try {
        if (targets === undefined) {
          const ratings = await readRatings(bed);
          targets = new Map([...ratings].map(([id, { seq }]) => [id, seq]));
        }
        const ids = productIds.filter((id) => targets!.has(id));
        const stored = await bed.store.inspectMany(ids);
        return stored.every((one, i) => one.kind === 'RATING' && one.state.seq >= targets!.get(ids[i]!)!);
      } catch {
        return false;
      }
    },
    { timeoutMs, intervalMs: 20 },
  );
  return healed === true ? Date.now() - began : undefined;
}

/** R, where nobody writes: the time from the call until these products equal SQL, or have no keys. */
export async function timeToEqual(
  bed: Testbed,
  productIds: readonly string[],
  timeoutMs = 60_000,
): Promise<number | undefined> {
  const began = Date.now();
  const equal = await waitUntil(
    async () => {
      try {
        const { behind, different } = await compareRatings(bed);
        return [...behind, ...different].every(({ productId }) => !productIds.includes(productId));
      } catch {
        return false;
      }
    },
    { timeoutMs, intervalMs: 100 },
  );
  return equal === true ? Date.now() - began : undefined;
}
