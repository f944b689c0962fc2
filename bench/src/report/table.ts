import { achieved, formatValue, formatWanted, type Figure, type ScenarioResult } from './figure.js';

/** The figures of all scenarios as columns for a terminal; `✓` and `✗` say whether the wanted value was reached. */
export function closingTable(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap(({ scenario, figures }) =>
    figures.map((figure) => [scenario, figure.measure, formatValue(figure), formatWanted(figure), mark(figure)]),
  );
  const all = [['scenario', 'measure', 'measured', 'wanted', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map(([scenario = '', measure = '', value = '', wanted = '', sign = '']) =>
      [
        scenario.padEnd(widths[0]!),
        measure.padEnd(widths[1]!),
        value.padStart(widths[2]!),
        wanted.padStart(widths[3]!),
        sign,
      ]
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `✓` reached, `✗` missed, empty where nothing is asked for. */
export function mark(figure: Figure): string {
  const share = achieved(figure);
  if (share === undefined) return '';
  return share >= 1 ? '✓' : '✗';
}
