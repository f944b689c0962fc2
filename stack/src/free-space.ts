import { statfs } from 'node:fs/promises';

const MEGABYTE = 1024 * 1024;

/** What a fresh stack takes: Kafka's programs and class archive, a PostgreSQL cluster, and room for data and logs. */
const NEEDED_MEGABYTES = 400;

/** @throws an error that says how much is free where the disk of this folder is nearly full */
export async function requireFreeSpace(directory: string, neededMegabytes = NEEDED_MEGABYTES): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = Math.floor((bavail * bsize) / MEGABYTE);
  if (free >= neededMegabytes) return;
  throw new Error(
    `The disk is nearly full: ${free} MB are free in ${directory}, the servers need ${neededMegabytes} MB. ` +
      'Free some, or set STACK_DIRECTORY to a folder on another disk.',
  );
}
