import { freshness } from './freshness.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { memory } from './memory.js';
import { read } from './read.js';
import { relay } from './relay.js';
import { worker } from './worker.js';
import { write } from './write.js';
import type { Scenario } from './scenario.js';

/** All scenarios, in the order in which they run. */
export const SCENARIOS = { read, write, relay, worker, freshness, idle, growth, memory } as const satisfies Record<
  string,
  Scenario
>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];
