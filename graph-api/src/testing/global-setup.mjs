import { startStack } from '@exact-ratings/stack/stack.js';

/** One set of servers for the whole run; test files find it in TEST_STACK and make databases of their own. */
export default async function setup() {
  const stack = await startStack({
    name: `graph-api-test-${process.pid}`,
    fresh: true,
    removeOnStop: true,
    durable: false,
    // Kafka only where a test needs it: such files start one of their own.
    services: ['postgres', 'redis'],
  });
  globalThis.graphApiTestStack = stack;
  process.env.TEST_STACK = JSON.stringify(stack.env);
}
