import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { SelectedTest } from './mutant.js';
import type { ScratchCopy } from './scratch-copy.js';

export interface TestOutcome {
  readonly passed: boolean;
  /** What the failed assertion says. */
  readonly failure: string;
  readonly ms: number;
}

const TIMEOUT_MS = 300_000;

/** Runs one test of the scratch tree by jest, as a process of its own. */
export async function runTest(tree: ScratchCopy, { workspace, file, name, env }: SelectedTest): Promise<TestOutcome> {
  const began = Date.now();
  const report = join(tree.directory, 'report.json');
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(tree.directory, 'node_modules/jest/bin/jest.js'),
      ...['-c', 'jest.config.mjs', '-i', '--json', `--outputFile=${report}`, '-t', name, file],
    ],
    {
      cwd: join(tree.directory, workspace),
      env: { ...process.env, ...env, STACK_DIRECTORY: join(tree.directory, '.stack') },
      stdio: 'ignore',
      timeout: TIMEOUT_MS,
    },
  );
  await new Promise((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: false, failure: 'jest wrote no report', ms: Date.now() - began };
  const { success, numPassedTests, testResults } = JSON.parse(text) as {
    success: boolean;
    numPassedTests: number;
    testResults: Array<{ message: string; assertionResults: Array<{ failureMessages: string[] }> }>;
  };
  const messages = testResults.flatMap(({ message, assertionResults }) => [
    ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
    message,
  ]);
  return {
    passed: success && numPassedTests > 0,
    failure: stripVTControlCharacters(messages.join('\n')),
    ms: Date.now() - began,
  };
}
