import { PlaceNotFoundError, type Mutant, type SelectedTest } from './mutant.js';
import { MUTANTS } from './protocol-mutants.js';
import { runTest } from './run-test.js';
import { ScratchCopy } from './scratch-copy.js';

/**
 * `npm run test:mutants`: breaks the protocol on purpose, one way at a time, in a copy of the built tree, and expects a
 * test to fail for each. Before that the same tests must pass on the unbroken copy (the control), so that a failure
 * means something. Arguments select mutants by name. Exit code: 0 all caught, 1 not, 2 bad arguments.
 */
const print = (line: string): void => console.log(line);
const names = process.argv.slice(2);
const unknown = names.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  const known = MUTANTS.map(({ name }) => name).join(', ');
  process.stderr.write(`There is no mutant ${unknown.join(', ')}. These are: ${known}\n`);
  process.exit(2);
}
const chosen = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
const formatTest = ({ workspace, name }: SelectedTest): string => `${workspace} "${name}"`;
let failures = 0;

await onScratchCopy(async (copy) => {
  for (const test of new Set(chosen.map(({ caughtBy }) => caughtBy))) {
    const { passed, failure, ms } = await runTest(copy, test);
    if (!passed) failures += 1;
    print(`${passed ? 'ok  ' : 'FAIL'} control: ${formatTest(test)} (${seconds(ms)})`);
    if (!passed) print(indent(failure));
  }
});
for (const mutant of chosen) await tryMutant(mutant);

print(`${chosen.length} mutants: ${failures === 0 ? 'all caught' : `${failures} failures`}`);
process.exitCode = failures === 0 ? 0 : 1;

async function tryMutant({ name, breaks, mutations, caughtBy, because }: Mutant): Promise<void> {
  await onScratchCopy(async (copy) => {
    try {
      for (const mutate of mutations) await mutate(copy);
    } catch (error) {
      if (!(error instanceof PlaceNotFoundError)) throw error;
      failures += 1;
      print(`FAIL ${name}: ${error.message}; change e2e/src/mutants/protocol-mutants.ts with the code`);
      return;
    }
    const { passed, failure, ms } = await runTest(copy, caughtBy);
    const caught = !passed && because.test(failure);
    if (!caught) failures += 1;
    const verdict = caught ? 'caught by' : passed ? 'SURVIVED' : 'another failure than expected in';
    print(`${caught ? 'ok  ' : 'FAIL'} ${name} (${breaks}): ${verdict} ${formatTest(caughtBy)} (${seconds(ms)})`);
    if (!passed) print(indent(failure, caught ? 6 : 40));
  });
}

async function onScratchCopy(use: (copy: ScratchCopy) => Promise<void>): Promise<void> {
  const copy = await ScratchCopy.create();
  try {
    await use(copy);
  } finally {
    await copy.remove();
  }
}

function indent(text: string, lines = 40): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, lines)
    .map((line) => `       ${line}`)
    .join('\n');
}
