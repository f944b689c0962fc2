import { apiFaults } from './api.js';
import type { Fault } from './fault.js';
import { kafkaFaults } from './kafka.js';
import { postgresFaults } from './postgres.js';
import { productFaults } from './products.js';
import { queueFaults } from './queue.js';
import { randomKillFaults } from './random-kills.js';
import { redisNetworkFaults } from './redis-network.js';
import { redisFaults } from './redis.js';
import { relayFaults } from './relay.js';
import { restoreFaults } from './restore.js';
import { startFaults } from './start.js';
import { versionFaults } from './versions.js';
import { workerFaults } from './worker.js';

/** All faults of the matrix, ordered so that those of one system shape are consecutive. */
export const FAULTS: readonly Fault[] = [
  ...apiFaults,
  ...relayFaults,
  ...kafkaFaults,
  ...workerFaults,
  ...queueFaults,
  ...redisFaults,
  ...redisNetworkFaults,
  ...postgresFaults,
  ...productFaults,
  ...restoreFaults,
  ...startFaults,
  ...versionFaults,
  ...randomKillFaults,
].sort((a, b) => shapeOrder(a) - shapeOrder(b));

/** Key of a stable sort: faults of the default shape come first, in the order above. */
function shapeOrder({ shape }: Fault): number {
  if (shape === undefined) return 0;
  return 1 + (shape.apis ?? 1) * 100 + (shape.workers ?? 1) * 10 + (shape.redisProxy === true ? 1 : 0);
}
