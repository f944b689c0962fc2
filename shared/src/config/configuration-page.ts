import type { ConfigSubject, Variable } from './variable.js';

/** A program and the variables that it reads. */
export interface DocumentedProgram {
  readonly name: string;
  readonly subjects: readonly ConfigSubject[];
}

const INTRODUCTION = `<!-- Generated from the descriptions beside each reader by \`npm run codegen\`; do not edit. -->

# Configuration

By environment variables alone. Every problem is reported at once, and the process ends with exit code 78. A variable that is set but
empty counts as not set; quotes around a value and blanks beside it are taken off, and words such as \`TRUE\` or \`INFO\` count in any case.
An address is a host alone, its port a variable of its own; what carries a scheme, a placeholder that nobody expanded or an address that can
be none is refused by name, with what to write. The links that Kubernetes sets by itself (\`KAFKA_PORT=tcp://10.0.0.1:9092\`) are
understood: a server's stands for its port, one under the name of a port to listen on counts as not set. \`.env\` is read by Compose only; [.env.example](../.env.example) lists every variable.
`;

/** docs/configuration.md: one table for each title, one row for each variable, with the programs that read it. */
export function configurationPage(programs: readonly DocumentedProgram[]): string {
  const titles = new Map<string, Map<Variable<unknown>, string[]>>();
  for (const { name, subjects } of programs) {
    for (const { title, variables } of subjects) {
      const rows = titles.get(title) ?? new Map<Variable<unknown>, string[]>();
      titles.set(title, rows);
      for (const variable of Object.values(variables) as Array<Variable<unknown>>) {
        rows.set(variable, [...(rows.get(variable) ?? []), name]);
      }
    }
  }
  return [INTRODUCTION, ...[...titles].map(([title, rows]) => table(title, rows))].join('\n');
}

function table(title: string, rows: ReadonlyMap<Variable<unknown>, readonly string[]>): string {
  const cells = [...rows].map(([variable, readers]) => [
    [variable.name, ...variable.aliases].map(code).join(' or '),
    code(variable.defaultText),
    variable.accepts + (variable.secret ? ' (secret)' : ''),
    readers.join(', '),
    variable.meaning,
  ]);
  const header = ['variable', 'default', 'accepts', 'read by', 'meaning'];
  const lines = [header, header.map(() => '---'), ...cells].map((row) => `| ${row.map(escapeCell).join(' | ')} |`);
  return `## ${title}\n\n${lines.join('\n')}\n`;
}

function code(text: string): string {
  return text === '' ? '' : /^[\w.,:/-]+$/.test(text) ? `\`${text}\`` : text;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
