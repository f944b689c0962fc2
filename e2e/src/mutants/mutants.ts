import { runTest } from './run-test.js';
import { MUTANTS } from './protocol-mutants.js';
import type { Mutant, SelectedTest } from './mutant.js';
import { ScratchCopy } from './scratch-copy.js';

/**
 * `npm run test:mutants`: breaks the protocol on purpose, one way at a time, in a copy of the built tree, and sees a
 * test catch each. First the tests run on the unbroken copy, so that a catch means something. Names as arguments choose.
 */
const print = (line: string): void => console.log(line);
const names = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));
if (chosen.length === 0) {
  process.stderr.write(`There is no such mutant. These are: ${MUTANTS.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
const describe = ({ file, name }: SelectedTest): string => `${file.replace('src/', '')} "${name}"`;
let failures = 0;

await onScratchCopy(async (tree) => {
  for (const test of new Set(chosen.map(({ caughtBy }) => caughtBy))) {
    const { passed, failure, ms } = await runTest(tree, test);
    if (!passed) failures += 1;
    print(`${passed ? 'ok  ' : 'FAIL'} unbroken: ${describe(test)} (${seconds(ms)})`);
    if (!passed) print(indent(failure));
  }
});
for (const mutant of chosen) await tryMutant(mutant);

print(`${chosen.length} mutants: ${failures === 0 ? 'all caught' : `${failures} failures`}`);
process.exitCode = failures === 0 ? 0 : 1;

async function tryMutant({ name, breaks, patches, caughtBy, because }: Mutant): Promise<void> {
  await onScratchCopy(async (tree) => {
    try {
      await tree.apply(patches);
    } catch (error) {
      failures += 1;
      print(`FAIL ${name}: ${(error as Error).message}`);
      return;
    }
    const { passed, failure, ms } = await runTest(tree, caughtBy);
    const caught = !passed && because.test(failure);
    if (!caught) failures += 1;
    print(
      `${caught ? 'ok  ' : 'FAIL'} ${name} (${breaks}): ${passed ? 'SURVIVED' : 'caught by'} ${describe(caughtBy)} (${seconds(ms)})`,
    );
    if (!passed) print(indent(failure, caught ? 6 : 40));
  });
}

async function onScratchCopy(use: (tree: ScratchCopy) => Promise<void>): Promise<void> {
  const tree = await ScratchCopy.create();
  try {
    await use(tree);
  } finally {
    await tree.remove();
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
