import type { Journal } from '../journal.js';
import type { Load, LoadOptions } from '../load.js';
import type { Random } from '../random.js';
import type { ReadProbe } from '../read-probe.js';
import type { Testbed, TestbedOptions } from '../testbed.js';

/** The system that a fault needs; faults that need the same one share it. */
export type SystemShape = Omit<TestbedOptions, 'name' | 'onProgress'>;

export const USUAL_SHAPE: SystemShape = { apis: 2, workers: 2 };

/** What a fault finds when it strikes: a system under load. */
export interface FaultContext {
  readonly bed: Testbed;
  /** The products of the load and of the probe, made for this fault. */
  readonly productIds: readonly string[];
  readonly load: Load;
  readonly probe: ReadProbe;
  readonly random: Random;
  /** Unique to this run of the fault, for names. */
  readonly name: string;
  /** Adds to what the line says. */
  note(text: string): void;
  /** Reports what must never happen. */
  violation(text: string): void;
  /** Another load's journal that must hold at rest as well. */
  alsoCheck(journal: Journal): void;
}

export interface Fault {
  /** For `--only`. */
  readonly name: string;
  /** Row of the fault matrix. */
  readonly row: number;
  /** What is done. */
  readonly title: string;
  readonly shape?: SystemShape;
  readonly load?: Partial<Pick<LoadOptions, 'authors' | 'pauseMs' | 'timeoutMs' | 'deleteShare'>>;
  readonly products?: number;
  /** The load ends before the fault strikes; the fault makes what it needs. */
  readonly withoutLoad?: boolean;
  /** Makes the fault, and resolves when it is over. */
  strike(context: FaultContext): Promise<void>;
  /** Resolves when what the fault hit is back; counts to the time to heal. */
  back?(context: FaultContext): Promise<void>;
  /** Looks at what is special about this fault, at rest. */
  verify?(context: FaultContext): Promise<void>;
  /** The bound of the time to heal; 60 s by default. */
  readonly healWithinMs?: number;
  /** Where the numbers of SQL do not count the load's changes alone: others change reviews, or SQL is put back. */
  readonly foreignChanges?: boolean;
  /** Where reads cannot be answered while it lasts. */
  readonly readsMayFail?: boolean;
  /** Fit for `--random`: leaves the usual system as it found it. */
  readonly repeatable?: boolean;
}
