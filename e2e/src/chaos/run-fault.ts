import { formatDeviations, timeToEqual, timeToRecovery, waitForSteadyState } from '../checks/steady-state.js';
import type { Fault, FaultContext } from './faults/fault.js';
import { checkHistories } from '../checks/history-check.js';
import type { History } from '../workload/history.js';
import { Load } from '../workload/load.js';
import type { Random } from '../workload/random.js';
import { ReadProbe, type ProbeReport } from '../workload/read-probe.js';
import { createProducts, type Testbed } from '../testbed.js';

/** The measurements of one fault. Times are in milliseconds. */
export interface FaultResult {
  readonly fault: Fault;
  readonly mutations: number;
  /** Count of mutations answered while the fault lasted. */
  readonly answeredDuring: number;
  /** Longest wait for an answer from the beginning of the fault on, retries included. */
  readonly longestWaitMs: number;
  readonly unknownOutcomes: number;
  readonly faultMs: number;
  /** From the end of the fault until Redis held all that PostgreSQL held at that moment; undefined when it never did. */
  readonly recoveryMs: number | undefined;
  readonly reads: ProbeReport;
  readonly compared: number;
  readonly drift: number;
  readonly notes: readonly string[];
  readonly violations: readonly string[];
}

const DEFAULT_RECOVERY_BOUND_MS = 60_000;
const MUTATIONS_AROUND = 60;

/** Puts the system under load, injects the fault, measures recovery, ends the load, and checks the steady state. */
export async function runFault(bed: Testbed, fault: Fault, name: string, random: Random): Promise<FaultResult> {
  const notes: string[] = [];
  const violations: string[] = [];
  const histories: History[] = [];
  await fault.prepare?.(bed);
  const productIds = await createProducts(bed, fault.products ?? 16, name);
  const load = new Load(bed, { authors: 12, ...fault.load, name, productIds, seed: random.integer(1, 1e6) });
  histories.push(load.history);
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
    alsoCheck: (history) => histories.push(history),
  };
  load.start();
  await load.untilAnswered(MUTATIONS_AROUND, 120_000);
  if (fault.withoutLoad === true) await load.stop();

  const began = Date.now();
  await fault.inject(context);
  const ended = Date.now();
  const measure = fault.withoutLoad === true ? timeToEqual : timeToRecovery;
  const recovery = measure(bed, productIds, DEFAULT_RECOVERY_BOUND_MS * 2);
  await fault.untilRecovered?.(context);
  const processesMs = Date.now() - ended;
  const redisMs = await recovery;
  const recoveryMs = redisMs === undefined ? undefined : Math.max(redisMs, processesMs);
  if (fault.withoutLoad !== true) await load.untilAnswered(MUTATIONS_AROUND, 120_000);
  await load.stop();
  const reads = await probe.stop();

  const steadyState = await waitForSteadyState(bed, 90_000);
  await fault.verify?.(context);
  violations.push(...formatDeviations(steadyState));
  violations.push(...(await checkHistories(bed, histories, { sequencesToo: fault.foreignChanges !== true })));
  if (reads.failures.length > 0) {
    const text = `${reads.failures.length} of ${reads.reads} reads failed, such as: ${reads.failures[0]}`;
    (fault.readsMayFail === true ? notes : violations).push(text);
  }
  const bound = fault.recoverWithinMs ?? DEFAULT_RECOVERY_BOUND_MS;
  if (recoveryMs === undefined || recoveryMs > bound) {
    violations.push(`recovery: after ${recoveryMs ?? 'more than 120,000'} ms; ${bound} ms were promised`);
  }
  const during = histories.flatMap((history) => history.answered(began, ended));
  return {
    fault,
    mutations: histories.reduce((sum, { answers }) => sum + answers.length, 0),
    answeredDuring: during.length,
    longestWaitMs: Math.max(0, ...histories.flatMap((history) => history.answered(began)).map(({ ms }) => ms)),
    unknownOutcomes: histories.reduce((sum, { unknownOutcomes }) => sum + unknownOutcomes, 0),
    faultMs: ended - began,
    recoveryMs,
    reads,
    compared: steadyState.comparison.compared,
    drift: steadyState.comparison.behind.length + steadyState.comparison.different.length,
    notes,
    violations,
  };
}

/** The result in one line. */
export function formatResult(result: FaultResult): string {
  const { fault, mutations, answeredDuring, longestWaitMs, faultMs, recoveryMs, reads, compared, drift } = result;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return [
    `${result.violations.length === 0 ? 'ok  ' : 'FAIL'} ${String(fault.row).padStart(2)} ${fault.name}: ${fault.title}`,
    `lasted ${seconds(faultMs)}`,
    `${mutations} mutations, ${answeredDuring} answered during it, longest wait ${seconds(longestWaitMs)}`,
    `${result.unknownOutcomes} sent again`,
    `recovered after ${recoveryMs === undefined ? 'never' : seconds(recoveryMs)}`,
    `drift ${drift} of ${compared}`,
    `${reads.reads} reads, ${reads.failures.length} failed, p99 ${reads.p99} ms`,
    ...result.notes,
  ].join('; ');
}
