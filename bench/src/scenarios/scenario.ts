import type { Stack } from '@exact-ratings/stack/stack.js';
import type { Figure } from '../report/figure.js';
import type { Sizes } from '../sizes.js';

/** What a scenario is given to work with. */
export interface ScenarioContext {
  readonly stack: Stack;
  readonly sizes: Sizes;
  /** Prints a line of progress under the scenario's name. */
  readonly progress: (text: string) => void;
  /** Aborted by Ctrl-C: no further round begins. */
  readonly signal: AbortSignal;
}

/** Something that the bench measures. Rejects where an answer was wrong or something did not work. */
export type Scenario = (context: ScenarioContext) => Promise<Figure[]>;
