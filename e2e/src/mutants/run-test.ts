import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { only, type SelectedTest } from './mutant.js';
import type { ScratchCopy } from './scratch-copy.js';

/** The outcome of one test run. */
export interface TestOutcome {
  readonly passed: boolean;
  /** Messages of the failed assertions. */
  readonly failure: string;
  readonly ms: number;
}

const TIMEOUT_MS = 300_000;

/**
 * Runs one test of the scratch copy by jest, as a process of its own.
 * @throws PlaceNotFoundError where the test is not there exactly once
 */
export async function runTest(copy: ScratchCopy, { workspace, name, env }: SelectedTest): Promise<TestOutcome> {
  const began = Date.now();
  const file = await findTest(copy, workspace, name);
  const report = join(copy.directory, 'report.json');
  await rm(report, { force: true });
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(copy.directory, 'node_modules/jest/bin/jest.js'),
      ...['-c', 'jest.config.mjs', '-i', '--json', `--outputFile=${report}`, '-t', name, file],
    ],
    {
      cwd: join(copy.directory, workspace),
      env: { ...process.env, ...env, STACK_DIRECTORY: join(copy.directory, '.stack') },
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

/** The file of the workspace that holds a test of this name. */
async function findTest(copy: ScratchCopy, workspace: string, name: string): Promise<string> {
  const files = (await copy.files(workspace, 'src')).filter((path) => path.endsWith('.test.ts'));
  const texts = await Promise.all(files.map((path) => copy.read(workspace, path)));
  const declaration = new RegExp(`\\b(test|it)\\(\\s*['"\`]${name.replace(/[^\w\s]/g, '\\$&')}`);
  return only(
    files.filter((_, i) => declaration.test(texts[i]!)),
    `the test "${name}" of ${workspace}`,
  );
}
