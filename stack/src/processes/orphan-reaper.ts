import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removePidFile, writePidFile } from './pid-file.js';
import { type StackPaths } from '../stack-paths.js';

const SCRIPT = fileURLToPath(new URL('../../reaper.sh', import.meta.url));

export interface Reaper {
  /** To be called when everything has been stopped: nothing is left to watch. */
  dismiss(): Promise<void>;
}

/**
 * Starts a small shell script that outlives us and ends every process with a pid file once we are gone, however that came
 * about. It notices by a pipe from us that breaks.
 */
export function startReaper(paths: StackPaths, removeDirectory: boolean): Reaper {
  const pidFile = join(paths.pids, 'reaper.pid');
  const log = openSync(join(paths.logs, 'reaper.log'), 'a');
  const child: ChildProcess = spawn('/bin/sh', [SCRIPT, paths.pids, ...(removeDirectory ? [paths.directory] : [])], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  // SIGKILL: a new launcher that finds it has taken over its work.
  if (child.pid !== undefined) writePidFile(pidFile, { pid: child.pid, stopSignal: 'SIGKILL', name: 'reaper' });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    dismiss: async () => {
      child.stdin?.end('stopped\n');
      await exited;
      removePidFile(pidFile);
    },
  };
}
