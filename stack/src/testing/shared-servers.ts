import { startStack, type Stack } from '../stack.js';
import type { ServiceName } from '../servers/server-context.js';

const VARIABLE = 'TEST_STACK';

/** Servers that all test files of a run have in common. */
export interface SharedServers {
  /** The variables that lead to them. */
  readonly env: Record<string, string>;
  readonly logDirectory: string;
  readonly pidDirectory: string;
}

let stack: Stack | undefined;

/** Jest's `globalSetup`, see global-setup.ts: starts them before the first file. */
export async function startSharedServers(): Promise<void> {
  stack = await startStack({ name: `test-${process.pid}`, fresh: true, removeOnStop: true, durable: false });
  const { env, logDirectory, pidDirectory } = stack;
  process.env[VARIABLE] = JSON.stringify({ env, logDirectory, pidDirectory } satisfies SharedServers);
}

/** Jest's `globalTeardown`. */
export async function stopSharedServers(): Promise<void> {
  await stack?.stop();
}

/** The servers of this run; undefined where the run has none. */
export function findSharedServers(): SharedServers | undefined {
  const text = process.env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as SharedServers);
}

/** @throws where Jest's configuration has no `globalSetup` that starts them */
export function sharedServers(): SharedServers {
  const servers = findSharedServers();
  if (servers === undefined)
    throw new Error(`${VARIABLE} is not set: run jest with a configuration of this repository`);
  return servers;
}

let started = 0;

/** Servers of one test file, to be stopped, killed and frozen by it. It has to stop them at its end. */
export function startOwnServers(...services: ServiceName[]): Promise<Stack> {
  started += 1;
  return startStack({
    name: `test-${process.pid}-own-${Date.now()}-${started}`,
    ...(services.length === 0 ? {} : { services }),
    fresh: true,
    removeOnStop: true,
    durable: false,
  });
}
