import { spawnSync } from 'node:child_process';
import { parseProcStat, parsePsTime, processCpu } from './process-cpu.js';

test('the CPU time of a process grows with its work, not with time', async () => {
  const before = processCpu(process.pid);
  const measuredBefore = process.cpuUsage();
  const until = performance.now() + 300;
  while (performance.now() < until) Math.sqrt(Math.random());
  const used = processCpu(process.pid) - before;
  const { user, system } = process.cpuUsage(measuredBefore);
  // Node's own figure is exact; ours comes in steps of 10 ms.
  expect(Math.abs(used - (user + system))).toBeLessThan(30_000);
});

test('a name with spaces and parentheses does not shift the fields', () => {
  const fields = ['S', ...Array.from({ length: 10 }, () => '0'), '150', '25', '7', '8', '20'];
  const stat = `42 (node (x) y) ${fields.join(' ')}`;
  expect(parseProcStat(stat)).toBe(175);
  expect(parseProcStat(stat, true)).toBe(190);
});

test('the times that ps writes', () => {
  expect(parsePsTime('0:01.23')).toBe(1_230_000);
  expect(parsePsTime('01:02:03')).toBe(3_723_000_000);
  expect(parsePsTime('1-00:00:01')).toBe(86_401_000_000);
  expect(() => parsePsTime('')).toThrow('not a CPU time');
});

test('a process that has ended counts as nothing', () => {
  expect(processCpu(2 ** 22 + 1)).toBe(0);
});

(process.platform === 'linux' ? test : test.skip)(
  'the work of a child that has ended counts where it is asked for',
  () => {
    const before = processCpu(process.pid, { endedChildren: true });
    const ownBefore = processCpu(process.pid);
    spawnSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 500_000) Math.sqrt(Math.random());']);
    const own = processCpu(process.pid) - ownBefore;
    expect(processCpu(process.pid, { endedChildren: true }) - before - own).toBeGreaterThanOrEqual(480_000);
    expect(own).toBeLessThan(250_000);
  },
);
