import { runProgram } from '../processes/run-program.js';

/** Whom a server runs as that refuses to run as root. */
export interface UnprivilegedUser {
  name: string;
  uid: number;
  gid: number;
}

/** An existing user without rights when we are root; undefined when we are not, and run servers as ourselves. */
export async function findUnprivilegedUser(): Promise<UnprivilegedUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)]);
    if (uid !== undefined && uid !== 0 && gid !== undefined) return { name, uid, gid };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and there is no user "postgres" or "nobody" to run it as. ' +
      'Make one (useradd --system postgres) or start this as an ordinary user.',
  );
}

/** Whether the user (we ourselves, without one) can reach this folder and write into it. */
export async function canWrite(directory: string, user: UnprivilegedUser | undefined): Promise<boolean> {
  const identity = user && { uid: user.uid, gid: user.gid };
  const script = 'test -w "$1" && test -x "$1"';
  return !(await runProgram('/bin/sh', ['-c', script, 'sh', directory], { cwd: '/', ...identity })).failed;
}

async function idOf(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  const { failed, stdout } = await runProgram('id', [flag, name]);
  // macOS prints the id of nobody as a negative number.
  return failed ? undefined : Number(stdout) >>> 0;
}
