import { join } from 'node:path';
import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { shutdownSignal } from '@exact-ratings/stack/commands/shutdown-signal.js';
import { progressLine, seconds } from '@exact-ratings/stack/progress.js';
import { startStack, type Stack } from '@exact-ratings/stack/stack.js';
import { readArguments, USAGE, type BenchArguments } from './arguments.js';
import { REPOSITORY } from './environment/entries.js';
import { commitName, machineName, ForeignLoadMeter } from './measure/machine.js';
import type { ScenarioResult } from './report/figure.js';
import { formatForeignLoad, writeResults } from './report/results.js';
import { closingTable } from './report/table.js';
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './scenarios/scenarios.js';

/** No scenario takes this long; one that hangs must not hang for ever. */
const SCENARIO_TIMEOUT_MS = { tiny: 120_000, quick: 300_000, full: 3_600_000 };

const print = (line = ''): void => console.log(line);

function argumentsOrExit(): BenchArguments {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = argumentsOrExit();
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const signal = shutdownSignal(() => print('\nstopping …'));
const commit = commitName();
const machine = machineName();
print(`${machine}, commit ${commit}, size ${options.sizes.name}`);
const began = Date.now();

const results: ScenarioResult[] = [];
const failed: string[] = [];
try {
  const stack = await startStack({
    name: `bench-${process.pid}`,
    fresh: true,
    removeOnStop: true,
    signal,
    onProgress: print,
  });
  try {
    for (const name of options.scenarios) await runScenario(stack, name);
  } finally {
    await stack.stop();
  }
} catch (error) {
  failed.push(`the servers: ${errorMessage(error)}`);
}

if (results.length > 0) {
  const path = await writeResults(options.output ?? join(REPOSITORY, 'bench'), results, SCENARIO_NAMES);
  print(`\n${closingTable(results)}\n\nwritten: ${path}`);
}
for (const line of failed) print(`failed: ${line}`);
print(`${results.length} measured, ${failed.length} failed (${seconds(Date.now() - began)})`);
process.exit(failed.length === 0 && !signal.aborted ? 0 : 1);

async function runScenario(stack: Stack, name: ScenarioName): Promise<void> {
  if (signal.aborted) return;
  const { sizes } = options;
  const progress = (text: string): void => print(progressLine(name, text));
  const startedAt = new Date();
  const meter = new ForeignLoadMeter();
  try {
    const running = SCENARIOS[name]({ stack, sizes, progress, signal });
    const figures = await withDeadline(running, SCENARIO_TIMEOUT_MS[sizes.name], `${name} did not end`);
    const took = (Date.now() - startedAt.getTime()) / 1_000;
    const foreignLoad = meter.read();
    progress(`done (${took.toFixed(1)} s). ${formatForeignLoad(foreignLoad).replaceAll('**', '')}`);
    results.push({
      scenario: name,
      size: sizes.name,
      commit,
      machine,
      startedAt: startedAt.toISOString(),
      seconds: took,
      ...(foreignLoad === undefined ? {} : { foreignLoad }),
      figures,
    });
  } catch (error) {
    progress(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    failed.push(`${name}: ${errorMessage(error)}`);
  }
}
