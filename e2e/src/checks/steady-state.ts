import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { Testbed } from '../testbed.js';
import { isDrained, readBacklog, type Backlog } from './backlog.js';
import { comparePersisted, type PersistedComparison } from './persisted-comparison.js';
import { compareRatings, type Comparison } from './ratings-comparison.js';

/** The state of the system when nothing writes: what is still in transit, and how Redis and persisted ratings compare with the reviews. */
export interface SteadyState {
  readonly comparison: Comparison;
  readonly persisted: PersistedComparison;
  readonly backlog: Backlog;
  /** Milliseconds from the call until everything was drained and equal; undefined when that was not in time. */
  readonly ms: number | undefined;
}

/**
 * Waits until the pipeline has drained and every cached and every persisted rating equals PostgreSQL, then compares once more, so that a late
 * change does not escape. Nothing may write meanwhile.
 * @throws when no server could be asked within the time
 */
export async function waitForSteadyState(bed: Testbed, timeoutMs = 60_000): Promise<SteadyState> {
  const began = Date.now();
  let last: Omit<SteadyState, 'ms'> | undefined;
  let failure: unknown;
  const look = async (): Promise<boolean> => {
    try {
      const backlog = await readBacklog(bed);
      const comparison = await compareRatings(bed);
      const persisted = await comparePersisted(bed);
      last = { comparison, persisted, backlog };
      const isPersisted = persisted.dirty === 0 && persisted.wrong.length === 0;
      return isDrained(backlog) && comparison.behind.length === 0 && comparison.different.length === 0 && isPersisted;
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

/** One line for each deviation from the exact steady state; empty when there is none. */
export function formatDeviations({ comparison, persisted, backlog, ms }: SteadyState): string[] {
  if (ms !== undefined) return [];
  const { behind, different } = comparison;
  return [
    ...(isDrained(backlog) ? [] : [`not drained: ${JSON.stringify(backlog)}`]),
    ...behind.slice(0, 5).map((one) => `behind: ${one.productId}: Redis ${one.redis}, PostgreSQL ${one.database}`),
    ...different
      .slice(0, 5)
      .map((one) => `different: ${one.productId}: Redis ${one.redis}, PostgreSQL ${one.database}`),
    ...persisted.wrong.slice(0, 5).map((productId) => `persisted wrongly: ${productId}`),
    `persisted: ${persisted.dirty} dirty, ${persisted.wrong.length} wrong`,
    `exactness: ${behind.length} behind, ${different.length} different of ${comparison.compared}`,
  ];
}

/**
 * Recovery time under load: milliseconds from the call until Redis holds, for each of these products, at least the
 * sequence number that PostgreSQL held at the call. Undefined when that was not in time.
 */
export async function timeToRecovery(
  bed: Testbed,
  productIds: readonly string[],
  timeoutMs = 60_000,
): Promise<number | undefined> {
  const began = Date.now();
  let targets: Map<string, number> | undefined;
  const recovered = await waitUntil(
    async () => {
      try {
        if (targets === undefined) {
          const { rows } = await bed.pool.query<{ product_id: string; last_seq: number }>(
            'SELECT product_id, last_seq FROM review_streams WHERE product_id = ANY ($1)',
            [productIds],
          );
          targets = new Map(rows.map(({ product_id, last_seq }) => [product_id, last_seq]));
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
  return recovered === true ? Date.now() - began : undefined;
}

/**
 * Recovery time where nobody writes: milliseconds from the call until these products equal PostgreSQL, or have no keys.
 * Undefined when that was not in time.
 */
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
