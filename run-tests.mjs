import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * `npm test [-- what Jest takes]`: all tests, in two runs of Jest beside each other, since most of the time is spent waiting for
 * servers. Each has servers of its own and runs one file at a time. Both take about the same time.
 */
const RUNS = [
  ['shared', 'graph-api', 'graph-api-interpreted', 'rating-worker'],
  ['client', 'stack', 'deploy', 'e2e', 'bench'],
];
const JEST = fileURLToPath(new URL('node_modules/jest/bin/jest.js', import.meta.url));
/** What Jest says at the end of each run; ours counts both. */
const SUMMARY = /^(?:Test Suites|Tests|Snapshots|Time): .*\n|^Ran all test suites.*\n/gm;

const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}

/** Passes on whole lines, so that those of the two runs do not mix. */
function passOn(from, to) {
  let rest = '';
  from.setEncoding('utf8').on('data', (text) => {
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0) to.write((rest + text.slice(0, end)).replace(SUMMARY, ''));
    rest = (end > 0 ? '' : rest) + text.slice(end);
  });
  from.on('end', () => to.write(rest));
}

/** The counts that jest.closing-line.mjs sends; `failed` is 1 at least where Jest ended otherwise than with 0. */
async function run(packages) {
  const args = [JEST, '--selectProjects', ...packages, '--passWithNoTests', ...process.argv.slice(2)];
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...color },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.add(child);
  let counts = { passed: 0, failed: 0, skipped: 0 };
  child.on('message', (message) => (counts = message));
  passOn(child.stdout, process.stdout);
  passOn(child.stderr, process.stderr);
  const [code, signal] = await new Promise((resolve) => child.once('close', (...exit) => resolve(exit)));
  children.delete(child);
  if (code !== 0 && counts.failed === 0) {
    process.stderr.write(`The tests of ${packages.join(', ')} ended with ${signal ?? `exit code ${code}`}\n`);
    counts.failed = 1;
  }
  return counts;
}

const began = Date.now();
const all = await Promise.all(RUNS.map(run));
const sum = (count) => all.reduce((total, counts) => total + counts[count], 0);
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
process.stdout.write(`\n${Math.round((Date.now() - began) / 1_000)} s\n`);
if (passed + failed + skipped === 0) process.stderr.write('No test has that name\n');
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
