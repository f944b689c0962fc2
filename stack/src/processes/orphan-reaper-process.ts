import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDataDirectory } from '../servers/data-directory.js';
import { endLeftovers, removePidFile } from './pid-file.js';

/**
 * The orphan reaper's process: `node orphan-reaper-process.js PID_DIRECTORY [STACK_DIRECTORY]`. When its launcher is gone
 * it ends the processes with a pid file, and removes the stack's folder where one is named.
 */
const [pidDirectory, stackDirectory] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

let said = '';
for await (const chunk of process.stdin) said += String(chunk);
if (pidDirectory !== undefined && said.trim() !== 'stopped') {
  await endLeftovers(pidDirectory);
  if (stackDirectory !== undefined) {
    await removeDataDirectory(join(stackDirectory, 'postgres'));
    await rm(stackDirectory, { recursive: true, force: true });
  }
  removePidFile(join(pidDirectory, 'reaper.pid'));
}
