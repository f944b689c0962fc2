import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** The text of a file that both `set -a; . FILE` and `node --env-file=FILE` read. */
export function formatEnvFile(env: Record<string, string>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${quote(name, value)}\n`)
    .join('');
}

/** The variables of a file written by {@link writeEnvFile}. */
export async function readEnvFile(file: string): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(?:'([^']*)'|(.*))$/.exec(line);
    if (match?.[1] !== undefined) env[match[1]] = match[2] ?? match[3] ?? '';
  }
  return env;
}

/** Writes the file at once or not at all, readable by its owner only, since it holds a password. */
export async function writeEnvFile(file: string, env: Record<string, string>): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await writeFile(temporary, formatEnvFile(env), { mode: 0o600 });
  await rename(temporary, file);
}

function quote(name: string, value: string): string {
  if (/^[A-Za-z0-9_.,:/@+-]*$/.test(value)) return value;
  if (/['\n\r]/.test(value))
    throw new Error(`${name} cannot be written to an env file: it holds a quote or a line break`);
  return `'${value}'`;
}
