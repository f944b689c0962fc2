import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScenarioResult } from './report/figure.js';

const BENCH = fileURLToPath(new URL('../dist/bench.js', import.meta.url));

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [BENCH, ...args], { encoding: 'utf8', timeout: 170_000 });
}

test('a scenario runs on servers of its own, and its figures are written', () => {
  const output = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const { status, stdout } = bench('--size', 'tiny', '--only', 'read', '--output', output);
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toContain('1 measured, 0 failed');

    const result = JSON.parse(readFileSync(join(output, 'results/read.json'), 'utf8')) as ScenarioResult;
    expect(result).toMatchObject({ scenario: 'read', size: 'tiny' });
    expect(result.figures.map(({ measure }) => measure)).toContain('page of 20: requests as a ratio to the floor');
    for (const { value } of result.figures) expect(value).toBeGreaterThan(0);

    const page = readFileSync(join(output, 'RESULTS.md'), 'utf8');
    expect(page).toContain('| page of 20: requests as a ratio to the floor |');
    expect(readFileSync(join(output, 'results.svg'), 'utf8')).toContain('read: page of 20');
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}, 180_000);

test('a wrong argument is named, and nothing is started', () => {
  const { status, stdout, stderr } = bench('--only', 'reed');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('--only takes read');
  expect(stderr).toContain('not "reed"');
});
