import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { achievedChart } from './achieved-chart.js';
import { formatValue, formatWanted, type ScenarioResult } from './figure.js';
import { mark } from './table.js';

const DATA = 'results';
const CHART = 'results.svg';
/** Beside more other work than this, figures are not to be compared with those of another run. */
const MAX_FOREIGN_LOAD = 0.1;

/**
 * Keeps the results of a run in `directory` and writes RESULTS.md and its chart anew from the latest of each scenario, so that
 * a run of some scenarios leaves the figures of the others.
 * @param order the names of the scenarios, as the page lists them
 * @returns the path of RESULTS.md
 */
export async function writeResults(
  directory: string,
  results: readonly ScenarioResult[],
  order: readonly string[],
): Promise<string> {
  const data = join(directory, DATA);
  await mkdir(data, { recursive: true });
  for (const result of results) {
    await writeFile(join(data, `${result.scenario}.json`), `${JSON.stringify(result, null, 2)}\n`);
  }
  const files = (await readdir(data)).filter((name) => name.endsWith('.json'));
  const latest = (
    await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(data, name), 'utf8')) as ScenarioResult))
  ).sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
  await writeFile(join(directory, CHART), achievedChart(latest));
  const path = join(directory, 'RESULTS.md');
  await writeFile(path, resultsPage(latest));
  return path;
}

function resultsPage(results: readonly ScenarioResult[]): string {
  const sections = results.map((result) => {
    const { scenario, size, commit, machine, startedAt, seconds, foreignLoad, figures } = result;
    const rows = figures.map((figure) =>
      [figure.measure, formatValue(figure), formatWanted(figure), mark(figure), figure.detail ?? '']
        .map((cell) => cell.replaceAll('|', '\\|'))
        .join(' | '),
    );
    return [
      `## ${scenario}`,
      '',
      `Size ${size}, commit ${commit}, ${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${Math.round(seconds)} s, ${machine}. ` +
        formatForeignLoad(foreignLoad),
      '',
      '| measure | measured | wanted | | |',
      '| -- | --: | --: | -- | -- |',
      ...rows.map((row) => `| ${row} |`),
    ].join('\n');
  });
  return [
    '# Results',
    '',
    'Written by `npm run bench` from [results/](results); each section is the latest run of its scenario. What is measured, and how, is',
    'in [README.md](README.md). Ratios compare, absolute figures of two machines or two days do not.',
    '',
    `![How far each figure is from the wanted value](${CHART})`,
    '',
    sections.join('\n\n'),
    '',
  ].join('\n');
}

/** How far other work on the machine makes the figures doubtful. */
export function formatForeignLoad(foreignLoad: number | undefined): string {
  if (foreignLoad === undefined) return 'What other work ran beside it is not known.';
  const percent = `${Math.round(foreignLoad * 100)} %`;
  return foreignLoad > MAX_FOREIGN_LOAD
    ? `**Other work took ${percent} of the processors meanwhile: these figures are noise.**`
    : `Other work took ${percent} of the processors meanwhile.`;
}
