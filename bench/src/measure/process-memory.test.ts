import { processMemory } from './process-memory.js';

test('the memory of a process is what Node itself says', () => {
  const measured = processMemory(process.pid);
  const own = process.memoryUsage.rss();
  expect(measured / own).toBeGreaterThan(0.8);
  expect(measured / own).toBeLessThan(1.25);
});

test('a process that has ended has none', () => {
  expect(processMemory(2 ** 22 + 1)).toBe(0);
});
