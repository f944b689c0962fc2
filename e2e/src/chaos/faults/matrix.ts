import { apiFaults } from './api.js';
import { deadLetterFaults } from './dead-letters.js';
import { drainFaults } from './drain.js';
import type { Fault } from './fault.js';
import { kafkaFaults } from './kafka.js';
import { kafkaClusterFaults } from './kafka-cluster.js';
import { lockFaults } from './locks.js';
import { migrationFaults } from './migrations.js';
import { outboxFaults } from './outbox.js';
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
  ...drainFaults,
  ...relayFaults,
  ...outboxFaults,
  ...kafkaFaults,
  ...kafkaClusterFaults,
  ...workerFaults,
  ...deadLetterFaults,
  ...queueFaults,
  ...redisFaults,
  ...redisNetworkFaults,
  ...postgresFaults,
  ...lockFaults,
  ...migrationFaults,
  ...productFaults,
  ...restoreFaults,
  ...startFaults,
  ...versionFaults,
  ...randomKillFaults,
].sort((a, b) => shapeOrder(a) - shapeOrder(b));

/** Key of a stable sort: faults of the default shape come first, in the order above. */
function shapeOrder({ shape }: Fault): number {
  if (shape === undefined) return 0;
  const { apis = 1, workers = 1, kafkaBrokers = 1, redisProxy = false } = shape;
  return 1 + kafkaBrokers * 1_000 + apis * 100 + workers * 10 + (redisProxy ? 1 : 0);
}
