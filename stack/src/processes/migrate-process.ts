import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryFile } from '../stack-paths.js';
import { startServiceProcess } from './service-process.js';

const MIGRATE_ENTRY = repositoryFile('graph-api/dist/migrate.js');

/**
 * Brings the database of `env` to the newest migration and creates the topics, as a process of its own.
 * @throws with the last line of its log where it fails
 */
export async function runMigrations(
  env: Readonly<Record<string, string>>,
  { logDirectory, pidDirectory }: { logDirectory: string; pidDirectory: string },
): Promise<void> {
  const logFile = join(logDirectory, 'migrate.log');
  const migration = await startServiceProcess({ name: 'migrate', entry: MIGRATE_ENTRY, env, logFile, pidDirectory });
  const { code } = await migration.exited;
  if (code === 0) return;
  const log = await readFile(logFile, 'utf8');
  throw new Error(`The migrations failed: ${log.trim().split('\n').at(-1)} (${logFile})`);
}
