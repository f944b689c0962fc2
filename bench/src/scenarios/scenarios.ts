import { read } from './read.js';
import type { Scenario } from './scenario.js';

/** All scenarios, in the order in which they run. */
export const SCENARIOS = { read } as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];
