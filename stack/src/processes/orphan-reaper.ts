import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StackPaths } from '../stack-paths.js';
import { removePidFile, writePidFile } from './pid-file.js';

/** Compiled, also where this file is run from its source. */
const SCRIPT = fileURLToPath(new URL('../../dist/processes/orphan-reaper-process.js', import.meta.url));

export interface OrphanReaper {
  /** To be called when everything has been stopped: there is nothing left to end. */
  dismiss(): Promise<void>;
}

/**
 * Starts a process that outlives this one and then ends every process with a pid file, however this one came to its end
 * (kill -9). It notices by a pipe from here that breaks.
 * @param toRemove the folders that it then removes
 */
export function startReaper(paths: StackPaths, toRemove: readonly string[]): OrphanReaper {
  const log = openSync(join(paths.logs, 'reaper.log'), 'a');
  const child = spawn(process.execPath, [SCRIPT, paths.pids, ...toRemove], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  child.stdin!.on('error', () => undefined);
  const pidFile = join(paths.pids, 'reaper.pid');
  // SIGKILL: a new launcher that finds it has taken over its work.
  if (child.pid !== undefined) writePidFile(pidFile, { pid: child.pid, stopSignal: 'SIGKILL', name: 'reaper' });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    dismiss: async () => {
      child.stdin!.end('stopped\n');
      await exited;
      removePidFile(pidFile);
    },
  };
}
