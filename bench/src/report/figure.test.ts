import { achievedChart } from './achieved-chart.js';
import { achieved, formatNumber, formatValue, formatWanted, type ScenarioResult } from './figure.js';
import { formatForeignLoad } from './results.js';
import { closingTable } from './table.js';

const result: ScenarioResult = {
  scenario: 'read',
  size: 'tiny',
  commit: 'abc',
  machine: 'test',
  startedAt: '2026-01-01T00:00:00.000Z',
  seconds: 1,
  figures: [
    { measure: 'ratio <a & b>', value: 0.45, unit: '', wanted: { atLeast: 0.9 } },
    { measure: 'time', value: 300, unit: 'ms', wanted: { atMost: 450 } },
    { measure: 'rate', value: 12_345.6, unit: '/s' },
  ],
};

test('numbers are written with three significant digits and their unit', () => {
  expect([0.2874, 2.345, 14.21, 1_442.4, 0].map(formatNumber)).toEqual(['0.287', '2.35', '14.2', '1,442', '0']);
  expect(formatValue({ value: 1_442, unit: 'µs' })).toBe('1,442 µs');
  expect(formatValue({ value: 19_000, unit: '/s' })).toBe('19,000/s');
  expect(formatWanted({ wanted: { atMost: 450 }, unit: 'µs' })).toBe('≤ 450 µs');
  expect(formatWanted({ wanted: { atLeast: 0.9 }, unit: '' })).toBe('≥ 0.9');
  expect(formatWanted({ unit: 'ms' })).toBe('');
});

test('more is always better in the share of the wanted value', () => {
  expect(achieved({ value: 0.45, wanted: { atLeast: 0.9 } })).toBe(0.5);
  expect(achieved({ value: 900, wanted: { atMost: 450 } })).toBe(0.5);
  expect(achieved({ value: 0, wanted: { atMost: 450 } })).toBe(Number.POSITIVE_INFINITY);
  expect(achieved({ value: 1 })).toBeUndefined();
});

test('the closing table marks what was reached and what was missed', () => {
  expect(closingTable([result]).split('\n')).toEqual([
    'scenario  measure        measured    wanted',
    'read      ratio <a & b>     0.450     ≥ 0.9  ✗',
    'read      time             300 ms  ≤ 450 ms  ✓',
    'read      rate           12,346/s',
  ]);
});

test('the chart has a bar for each wanted value, as long as its share, and escapes its texts', () => {
  const svg = achievedChart([result]);
  expect(svg).toContain('read: ratio &lt;a &amp; b&gt;');
  expect([...svg.matchAll(/width="([\d.]+)" height="14"/g)].map(([, width]) => width)).toEqual(['75.0', '225.0']);
  expect(svg).not.toContain('12,346');
});

test('figures measured beside other work are called noise', () => {
  expect(formatForeignLoad(0.05)).toBe('Other work took 5 % of the processors meanwhile.');
  expect(formatForeignLoad(0.5)).toContain('these figures are noise');
  expect(formatForeignLoad(undefined)).toContain('not known');
});
