import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { SupervisedProcess } from '@exact-ratings/stack/processes/supervisor.js';
import type { Testbed } from '../../testbed.js';

/**
 * The API whose relay is publishing a batch right now, found by the local port of its database connection; undefined
 * when no relay is. Linux only: it reads /proc.
 * @param blocked only a relay that waits for a row lock
 */
export async function publishingApi(bed: Testbed, blocked = false): Promise<SupervisedProcess | undefined> {
  const { rows } = await bed.pool.query<{ client_port: number }>(
    `SELECT client_port FROM pg_stat_activity
      WHERE application_name = 'outbox-relay' AND query NOT ILIKE 'COMMIT%'
        AND CASE WHEN $1 THEN wait_event_type = 'Lock'
                 ELSE state = 'idle in transaction' AND query ILIKE '%FROM outbox%' END`,
    [blocked],
  );
  const port = rows[0]?.client_port;
  if (port === undefined) return undefined;
  return bed.system.apis.find(({ pid }) => pid !== undefined && ownsLocalPort(pid, port));
}

function ownsLocalPort(pid: number, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[1]?.endsWith(`:${hex}`))
      .map((columns) => columns[9]),
  );
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.includes(inode);
    });
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
