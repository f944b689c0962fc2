import type { History } from '../../workload/history.js';
import type { Load, LoadOptions } from '../../workload/load.js';
import type { Random } from '../../workload/random.js';
import type { ReadProbe } from '../../workload/read-probe.js';
import type { Testbed, TestbedOptions } from '../../testbed.js';

/** Shape of the system that a fault needs; consecutive faults of one shape share a system. */
export type SystemShape = Omit<TestbedOptions, 'name' | 'onProgress'>;

export const DEFAULT_SHAPE: SystemShape = { apis: 2, workers: 2 };

/** The system under load into which a fault is injected. */
export interface FaultContext {
  readonly bed: Testbed;
  /** Ids of the products of the load and of the probe, created for this fault. */
  readonly productIds: readonly string[];
  readonly load: Load;
  readonly probe: ReadProbe;
  readonly random: Random;
  /** Prefix for names, unique to this run of the fault. */
  readonly name: string;
  /** Adds an observation to the report. */
  note(text: string): void;
  /** Reports that a promise was broken. */
  violation(text: string): void;
  /** Adds the history of another load to those checked in the steady state. */
  alsoCheck(history: History): void;
}

export interface Fault {
  /** Name for `--only`. */
  readonly name: string;
  /** Row of the fault matrix. */
  readonly row: number;
  /** One line that says what is done. */
  readonly title: string;
  readonly shape?: SystemShape;
  readonly load?: Partial<
    Pick<LoadOptions, 'authors' | 'pauseMs' | 'timeoutMs' | 'deleteShare' | 'moderateShare' | 'eraseShare'>
  >;
  readonly products?: number;
  /** The load ends before the injection; the fault starts its own where it needs one. */
  readonly withoutLoad?: boolean;
  /** Prepares the system before the load starts. */
  prepare?(bed: Testbed): Promise<void>;
  /** Injects the fault; resolves when its cause is gone. */
  inject(context: FaultContext): Promise<void>;
  /** Resolves when the processes that were hit are ready; counts towards the recovery time. */
  untilRecovered?(context: FaultContext): Promise<void>;
  /** Checks, in the steady state, what is specific to this fault. */
  verify?(context: FaultContext): Promise<void>;
  /** Promised bound of the recovery time in milliseconds; 60,000 by default. */
  readonly recoverWithinMs?: number;
  /** Sequence numbers do not count the load's changes alone: others change reviews, or PostgreSQL is restored. */
  readonly foreignChanges?: boolean;
  /** Reads cannot all be answered while the fault lasts. */
  readonly readsMayFail?: boolean;
  /** Fit for `--random`: leaves the default system as it was. */
  readonly repeatable?: boolean;
}
