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

/** Every row of the fault matrix, those of one system's shape together, the ones that leave the most behind last. */
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

/** A stable sort: faults on the usual system stay in the order above. */
function shapeOrder({ shape }: Fault): number {
  if (shape === undefined) return 0;
  return 1 + (shape.apis ?? 1) * 100 + (shape.workers ?? 1) * 10 + (shape.redisProxy === true ? 1 : 0);
}
