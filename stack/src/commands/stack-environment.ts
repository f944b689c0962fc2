import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvFile } from '../env-file.js';
import { stackPaths } from '../stack-paths.js';

/**
 * The variables of this process where they hold the wanted one, else those of the running `npm start`.
 * @throws where neither has it
 */
export async function stackEnvironment(wanted: string): Promise<Record<string, string | undefined>> {
  if (process.env[wanted] !== undefined) return process.env;
  const envFile = join(stackPaths('start').root, 'stack.env');
  const env = existsSync(envFile) ? await readEnvFile(envFile) : {};
  if (env[wanted] === undefined)
    throw new Error(`${wanted} is not set and no \`npm start\` is running: start it first.`);
  return env;
}
