import { parseArgs } from 'node:util';
import { SCENARIO_NAMES, type ScenarioName } from './scenarios/scenarios.js';
import { SIZES, type Sizes } from './sizes.js';

export const USAGE = `Measures the product beside a floor and beside the common way to build it, on servers of its own.

  npm run bench                          everything; about 55 minutes on 2 idle cores
  npm run bench -- --quick               everything, smaller; within 3 minutes
  npm run bench -- --only read,worker    these alone: ${SCENARIO_NAMES.join(', ')}
  npm run bench -- --size tiny           shows that the bench works; its figures mean nothing
  npm run bench -- --output DIRECTORY    where RESULTS.md and its plots go; bench/ by default

Exit code: 0 measured, 1 a scenario failed or an answer was wrong, 2 bad arguments. A wanted value that was missed is in
the table and is no failure: a busy machine misses them too.
`;

export interface BenchArguments {
  readonly help: boolean;
  readonly scenarios: readonly ScenarioName[];
  readonly sizes: Sizes;
  /** The directory of the results; undefined for the usual one. */
  readonly output: string | undefined;
}

/** Reads the command line. @throws an error that says which argument is wrong and what it may be. */
export function readArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      size: { type: 'string' },
      output: { type: 'string' },
    },
  });
  if (values.quick && values.size !== undefined) throw new Error('--quick is a size of its own: leave --size out');
  const size = values.quick ? 'quick' : (values.size ?? 'full');
  const sizes = Object.values(SIZES).find(({ name }) => name === size);
  if (sizes === undefined) throw new Error(`--size takes ${Object.keys(SIZES).join(', ')}, not "${size}"`);
  const names = values.only?.split(',').map((name) => name.trim());
  const unknown = names?.find((name) => !SCENARIO_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--only takes ${SCENARIO_NAMES.join(', ')}, not "${unknown}"`);
  return {
    help: values.help,
    scenarios: SCENARIO_NAMES.filter((name) => names === undefined || names.includes(name)),
    sizes,
    output: values.output,
  };
}
