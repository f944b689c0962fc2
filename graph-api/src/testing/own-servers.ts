import { startStack, type Stack } from '@exact-ratings/stack/stack.js';

type ServiceName = 'postgres' | 'redis' | 'kafka';

let stacks = 0;

/** Servers of one test file, to be stopped, killed and frozen by it. */
export function startOwnServers(...services: ServiceName[]): Promise<Stack> {
  stacks += 1;
  return startStack({
    name: `graph-api-test-${process.pid}-own-${Date.now()}-${stacks}`,
    services,
    fresh: true,
    removeOnStop: true,
    durable: false,
  });
}
