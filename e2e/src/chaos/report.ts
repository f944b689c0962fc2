import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { FaultResult } from './run-fault.js';

const REPORT = fileURLToPath(new URL('../../../docs/reports/chaos.md', import.meta.url));

/** Writes `docs/reports/chaos.md` and returns its path. */
export async function writeReport(results: readonly FaultResult[], seconds: number): Promise<string> {
  await writeFile(REPORT, report(results, seconds));
  return REPORT;
}

function report(results: readonly FaultResult[], seconds: number): string {
  const ordered = [...results].sort((a, b) => a.fault.row - b.fault.row);
  const failed = results.filter(({ violations }) => violations.length > 0);
  const mutations = results.reduce((sum, result) => sum + result.mutations, 0);
  const time = (ms: number | undefined): string => (ms === undefined ? 'never' : `${(ms / 1_000).toFixed(1)} s`);
  return `# Chaos report

Written by \`npm run chaos\` on ${new Date().toISOString().slice(0, 10)}: real PostgreSQL, Redis and Kafka, real
processes and signals, load through the client while each fault happens, and afterwards every product and every
acknowledged mutation compared. ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}; ${seconds} s.

**${results.length - failed.length} of ${results.length} faults as promised, ${mutations.toLocaleString('en')} mutations, drift ${results.reduce((sum, { drift }) => sum + drift, 0)}.**

- *answered*: mutations answered while the fault lasted; *longest wait*: of one author, with all tries;
- *recovered*: from the end of the fault until Redis held all that PostgreSQL held at that moment, while the load went on;
- *drift*: products that differ from PostgreSQL when the pipeline has drained.

| row | fault | what was done | lasted | mutations | answered | longest wait | recovered | reads failed | p99 of reads | drift |
|--|--|--|--|--|--|--|--|--|--|--|
${ordered
  .map((result) =>
    [
      '',
      result.fault.row,
      `\`${result.fault.name}\``,
      result.fault.title,
      time(result.faultMs),
      result.mutations,
      result.answeredDuring,
      time(result.longestWaitMs),
      time(result.recoveryMs),
      `${result.reads.failures.length} of ${result.reads.reads}`,
      `${result.reads.p99} ms`,
      `${result.drift} of ${result.compared}`,
      '',
    ]
      .join(' | ')
      .trim(),
  )
  .join('\n')}

## Bounds

| fault | recovered within, promised | measured |
|--|--|--|
${ordered
  .filter(({ fault }) => fault.recoverWithinMs !== undefined)
  .map(({ fault, recoveryMs }) => `| ${fault.title} | ${time(fault.recoverWithinMs)} | ${time(recoveryMs)} |`)
  .join('\n')}
| any other | 60.0 s | ${time(Math.max(...results.filter(({ fault }) => fault.recoverWithinMs === undefined).map(({ recoveryMs }) => recoveryMs ?? Infinity)))} at most |

## Notes

${ordered
  .filter(({ notes, violations }) => notes.length + violations.length > 0)
  .map(({ fault, notes, violations }) =>
    [
      `- \`${fault.name}\`: ${notes.join('; ')}`,
      ...violations.map((violation) => `  - **violation**: ${violation}`),
    ].join('\n'),
  )
  .join('\n')}
`;
}
