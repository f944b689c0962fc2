import { describeRest, timeToEqual, timeToHeal, waitUntilExact } from '../checker.js';
import type { Fault, FaultContext } from '../faults/fault.js';
import { checkJournals } from '../journal-check.js';
import type { Journal } from '../journal.js';
import { Load } from '../load.js';
import type { Random } from '../random.js';
import { ReadProbe, type ProbeReport } from '../read-probe.js';
import { createProducts, type Testbed } from '../testbed.js';

/** What one fault did, and how the system took it. */
export interface FaultResult {
  readonly fault: Fault;
  readonly mutations: number;
  /** Mutations answered while the fault lasted, and the longest wait among them, retries included. */
  readonly answeredDuring: number;
  readonly longestWaitMs: number;
  readonly unknownOutcomes: number;
  readonly faultMs: number;
  /** From the end of the fault until Redis held all that SQL held at that moment; load goes on. */
  readonly healMs: number | undefined;
  readonly reads: ProbeReport;
  readonly compared: number;
  readonly drift: number;
  readonly notes: readonly string[];
  readonly violations: readonly string[];
}

const USUAL_HEAL_BOUND_MS = 60_000;
const MUTATIONS_AROUND = 60;

/** Puts the system under load, strikes, measures the healing, ends the load, and compares everything at rest. */
export async function runFault(bed: Testbed, fault: Fault, name: string, random: Random): Promise<FaultResult> {
  const notes: string[] = [];
  const violations: string[] = [];
  const journals: Journal[] = [];
  const productIds = await createProducts(bed, fault.products ?? 16, name);
  const load = new Load(bed, { authors: 12, ...fault.load, name, productIds, seed: random.integer(1, 1e6) });
  journals.push(load.journal);
  const probe = new ReadProbe(bed, { productIds }).start();
  const context: FaultContext = {
    bed,
    productIds,
    load,
    probe,
    random,
    name,
    note: (text) => notes.push(text),
    violation: (text) => violations.push(text),
    alsoCheck: (journal) => journals.push(journal),
  };
  load.start();
  await load.untilAnswered(MUTATIONS_AROUND, 120_000);
  if (fault.withoutLoad === true) await load.stop();

  const began = Date.now();
  await fault.strike(context);
  const ended = Date.now();
  const measure = fault.withoutLoad === true ? timeToEqual : timeToHeal;
  const healing = measure(bed, productIds, USUAL_HEAL_BOUND_MS * 2);
  await fault.back?.(context);
  const backMs = Date.now() - ended;
  const redisMs = await healing;
  const healMs = redisMs === undefined ? undefined : Math.max(redisMs, backMs);
  if (fault.withoutLoad !== true) await load.untilAnswered(MUTATIONS_AROUND, 120_000);
  await load.stop();
  const reads = await probe.stop();

  const rest = await waitUntilExact(bed, 90_000);
  await fault.verify?.(context);
  violations.push(...describeRest(rest));
  violations.push(...(await checkJournals(bed, journals, { numbersToo: fault.foreignChanges !== true })));
  if (reads.failures.length > 0) {
    const text = `${reads.failures.length} of ${reads.reads} reads failed, such as: ${reads.failures[0]}`;
    (fault.readsMayFail === true ? notes : violations).push(text);
  }
  const bound = fault.healWithinMs ?? USUAL_HEAL_BOUND_MS;
  if (healMs === undefined || healMs > bound) {
    violations.push(`R: healed after ${healMs ?? 'more than 120,000'} ms; ${bound} ms were promised`);
  }
  const during = journals.flatMap((journal) => journal.answered(began, ended));
  return {
    fault,
    mutations: journals.reduce((sum, { answers }) => sum + answers.length, 0),
    answeredDuring: during.length,
    longestWaitMs: Math.max(0, ...journals.flatMap((journal) => journal.answered(began)).map(({ ms }) => ms)),
    unknownOutcomes: journals.reduce((sum, { unknownOutcomes }) => sum + unknownOutcomes, 0),
    faultMs: ended - began,
    healMs,
    reads,
    compared: rest.comparison.compared,
    drift: rest.comparison.behind.length + rest.comparison.different.length,
    notes,
    violations,
  };
}

/** One line for a person. */
export function describeResult(result: FaultResult): string {
  const { fault, mutations, answeredDuring, longestWaitMs, faultMs, healMs, reads, compared, drift } = result;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return [
    `${result.violations.length === 0 ? 'ok  ' : 'FAIL'} ${String(fault.row).padStart(2)} ${fault.name}: ${fault.title}`,
    `lasted ${seconds(faultMs)}`,
    `${mutations} mutations, ${answeredDuring} answered during it, longest wait ${seconds(longestWaitMs)}`,
    `${result.unknownOutcomes} tried again`,
    `healed after ${healMs === undefined ? 'never' : seconds(healMs)}`,
    `drift ${drift} of ${compared}`,
    `${reads.reads} reads, ${reads.failures.length} failed, p99 ${reads.p99} ms`,
    ...result.notes,
  ].join('; ');
}
