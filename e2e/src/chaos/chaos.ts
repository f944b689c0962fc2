import { parseArgs } from 'node:util';
import { formatMemory } from './memory.js';
import { writeReport } from './report.js';
import { formatResult, runFault, type FaultResult } from './run-fault.js';
import { SystemPool } from './system-pool.js';
import type { Fault } from './faults/fault.js';
import { FAULTS } from './faults/matrix.js';
import { Random } from '../workload/random.js';

const USAGE = `Injects every fault of the matrix into real servers under load, and compares all products afterwards.

  npm run chaos                                     the whole matrix; writes docs/reports/chaos.md
  npm run chaos -- --list                           the names
  npm run chaos -- --only redis-flush,api-kill      these alone
  npm run chaos -- --row 15                         all of that row of the matrix
  npm run chaos -- --random --minutes 10 --seed 7   faults in random order on one system

Exit code: 0 all as promised, 1 a violation, 2 bad arguments.
`;

const print = (line = ''): void => console.log(line);

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean' },
        list: { type: 'boolean' },
        only: { type: 'string' },
        row: { type: 'string' },
        random: { type: 'boolean' },
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: String(Date.now() % 100_000) },
      },
    });
    for (const name of ['minutes', 'seed'] as const) {
      if (!/^\d+(\.\d+)?$/.test(values[name])) throw new Error(`--${name} takes a number, not "${values[name]}"`);
    }
    return values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = readArguments();
if (options.help === true) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (options.list === true) {
  for (const { row, name, title } of FAULTS) print(`${String(row).padStart(2)}  ${name.padEnd(26)} ${title}`);
  process.exit(0);
}
const chosen = choose();
const isWholeMatrix = options.only === undefined && options.row === undefined && options.random !== true;
const random = new Random(Number(options.seed));
const pool = new SystemPool(print);
const results: FaultResult[] = [];
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopped) process.exit(130);
    stopped = true;
    print(`\nstopping after this fault (${signal} again: at once)`);
  });
}

print(`seed ${random.seed}`);
const began = Date.now();
if (options.random === true) {
  const deadline = began + Number(options.minutes) * 60_000;
  const repeatable = chosen.filter((fault) => fault.repeatable === true);
  for (let count = 1; Date.now() < deadline && !stopped; count += 1) {
    await run(random.pick(repeatable));
    if (count % 5 === 0) print(`     ${await formatMemory(await pool.take())}`);
  }
} else {
  for (const fault of chosen) if (!stopped) await run(fault);
}
await pool.discard();

const failed = results.filter(({ violations }) => violations.length > 0);
const seconds = Math.round((Date.now() - began) / 1_000);
if (isWholeMatrix && !stopped) print(`written: ${await writeReport(results, seconds)}`);
print(`${results.length - failed.length} passed, ${failed.length} failed (${seconds} s)`);
process.exit(failed.length === 0 && !stopped ? 0 : 1);

async function run(fault: Fault): Promise<void> {
  const name = `${fault.name}-${results.length + 1}`;
  let result: FaultResult | undefined;
  try {
    const bed = await pool.take(fault.shape);
    result = await runFault(bed, fault, name, random);
    results.push(result);
    print(formatResult(result));
    for (const violation of result.violations) print(`       ${violation}`);
  } catch (error) {
    print(
      `FAIL ${String(fault.row).padStart(2)} ${fault.name}: ${error instanceof Error ? error.stack : String(error)}`,
    );
    results.push(notRun(fault, error));
  }
  // The next fault must not be blamed for what a failed one left behind.
  if (result === undefined || result.violations.length > 0) await pool.discard();
}

function notRun(fault: Fault, error: unknown): FaultResult {
  return {
    fault,
    mutations: 0,
    answeredDuring: 0,
    longestWaitMs: 0,
    unknownOutcomes: 0,
    faultMs: 0,
    recoveryMs: undefined,
    reads: { reads: 0, failures: [], p50: 0, p99: 0, max: 0 },
    compared: 0,
    drift: 0,
    notes: [],
    violations: [`it could not be run: ${String(error)}`],
  };
}

function choose(): Fault[] {
  const names = options.only?.split(',');
  const unknown = names?.filter((name) => !FAULTS.some((fault) => fault.name === name)) ?? [];
  const found = FAULTS.filter(
    ({ name, row }) =>
      (names === undefined || names.includes(name)) && (options.row === undefined || row === Number(options.row)),
  );
  if (unknown.length > 0 || found.length === 0) {
    process.stderr.write(`There is no such fault${unknown.map((name) => ` "${name}"`).join('')}; --list names them.\n`);
    process.exit(2);
  }
  return found;
}
