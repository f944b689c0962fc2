import { join } from 'node:path';
import { removeAll } from '../stack-paths.js';
import { endLeftovers, removePidFile } from './pid-file.js';

/**
 * The orphan reaper's process: `node orphan-reaper-process.js PID_DIRECTORY [DIRECTORY …]`. When its launcher is gone it ends
 * the processes with a pid file, and removes the further folders.
 */
const [pidDirectory, ...directories] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

let said = '';
for await (const chunk of process.stdin) said += String(chunk);
if (pidDirectory !== undefined && said.trim() !== 'stopped') {
  await endLeftovers(pidDirectory);
  await removeAll(directories);
  removePidFile(join(pidDirectory, 'reaper.pid'));
}
