import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import * as fc from 'fast-check';
import { createMetrics, type WorkerMetrics } from '../metrics.js';
import { openTestServers, type TestServers } from '../testing/test-servers.js';
import { ProductRatings } from '../persistence/product-ratings.js';
import { RatingProcessor } from '../ratings/rating-processor.js';
import { AggregateReader } from '../ratings/aggregate-reader.js';
import { GuardedDatabase } from '../ratings/guarded-database.js';
import { RatingRebuilder } from '../ratings/rating-rebuilder.js';
import { SequenceAdvancer } from '../ratings/sequence-advancer.js';
import { SetAsideProducts } from '../ratings/set-aside-products.js';
import { DriftRepairer } from '../drift/drift-repairer.js';
import { RateLimiter } from '../drift/rate-limiter.js';
import { forkedHistories, histories, type Step } from './history.js';
import { reconcilerScans } from './reconciler-scans.js';
import { World, type WorldParts } from './world.js';

/** Histories run side by side, to hide the round trips. */
const LANES = 4;
const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 1_000_000);
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 3_000);
const TIME_LIMIT_MS = 60_000;

let servers: TestServers;
let parts: WorldParts;
let metrics: WorkerMetrics;

beforeAll(async () => {
  servers = await openTestServers();
  const { pool, redis } = servers;
  const store = new RatingStore(redis, { ttlSeconds: 0 });
  const logger = createLogger('test', 'silent');
  metrics = createMetrics();
  const database = new GuardedDatabase(pool, logger);
  const setAside = new SetAsideProducts(8_000, metrics.setAside, logger);
  const reader = new AggregateReader(database, setAside);
  const rebuilder = new RatingRebuilder(reader, store);
  const advancer = new SequenceAdvancer(database, rebuilder, store, logger);
  const limiter = new RateLimiter(1e9);
  const repairer = new DriftRepairer({ store, rebuilder, advancer, limiter, metrics, logger });
  // PostgreSQL stays up here, so nothing is deferred and the queue is never asked.
  const processor = new RatingProcessor({
    ...{ store, rebuilder, advancer, setAside, metrics },
    queue: undefined as never,
    config: undefined as never,
    onTimelineDiverged: () => undefined,
  });
  const ratings = new ProductRatings(database, { mean: 3.5, weight: 10 }, setAside);
  parts = {
    pool,
    redis,
    store,
    processor,
    ratings,
    reconcile: reconcilerScans(pool, redis, repairer, reader, ratings),
  };
}, 120_000);

afterAll(() => servers?.stop());

async function expectPersisted(world: World): Promise<void> {
  await world.persist();
  const { is, should } = await world.persisted();
  expect(is).toEqual(should);
}

/** The promise of the protocol, for one history. */
async function endsEqual(steps: readonly Step[]): Promise<void> {
  const world = await World.create(parts);
  try {
    for (const step of steps) await world.take(step);
    await expectPersisted(world);
    await world.drain();
    if (!world.postgresWasPutBack) {
      // Duplicates, disorder and late aggregates alone leave nothing to repair; losses may, but never other counts.
      const allowed = world.losses ? ['EQUAL', 'MISSING', 'BEHIND', 'CORRUPT', 'ORPHAN'] : ['EQUAL', 'MISSING'];
      for (const finding of await world.compare()) expect(allowed).toContain(finding);
      await world.everythingComesLate(SEED);
      for (const finding of await world.compare()) expect(allowed).toContain(finding);
    }
    await world.reconcile();
    for (const finding of await world.compare()) expect(['EQUAL', 'MISSING']).toContain(finding);
    await world.everythingComesLate(SEED);
    if (world.postgresWasPutBack || world.losses) await world.reconcile();
    for (const finding of await world.compare()) expect(['EQUAL', 'MISSING']).toContain(finding);
    await expectPersisted(world);
  } finally {
    await world.clear();
  }
}

/**
 * Where nothing but PostgreSQL went back, no state differs from PostgreSQL at the same sequence number once the events have
 * come: no scan is waited for. It may be ahead still, or its product gone.
 */
async function noticesForks(steps: readonly Step[]): Promise<void> {
  const world = await World.create(parts);
  try {
    for (const step of steps) await world.take(step);
    await world.drain();
    for (const finding of await world.compare()) {
      expect(['EQUAL', 'MISSING', 'AHEAD', 'TOMBSTONE', 'ORPHAN']).toContain(finding);
    }
  } finally {
    await world.clear();
  }
}

/** Checks `runs` histories, or as many as the time allows. @returns how many those were */
async function check(arbitrary: fc.Arbitrary<Step[]>, runs: number, holds: (steps: Step[]) => Promise<void>) {
  process.stdout.write(`PROPERTY_SEED=${SEED} reproduces this run\n`);
  let done = 0;
  const lanes = await Promise.allSettled(
    Array.from({ length: LANES }, (_, lane) =>
      fc.assert(
        fc.asyncProperty(arbitrary, async (steps) => {
          done += 1;
          await holds(steps);
        }),
        {
          seed: SEED + lane,
          numRuns: Math.ceil(runs / LANES),
          interruptAfterTimeLimit: TIME_LIMIT_MS,
          markInterruptAsFailure: false,
        },
      ),
    ),
  );
  process.stdout.write(`${done} histories\n`);
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
  return done;
}

test(`random histories end with Redis equal to PostgreSQL (PROPERTY_SEED=${SEED})`, async () => {
  expect(await check(histories, RUNS, endsEqual)).toBeGreaterThan(Math.min(RUNS, 500) - 1);
}, 180_000);

test(`a sequence number that is taken again is noticed at its event (PROPERTY_SEED=${SEED})`, async () => {
  const runs = Math.ceil(RUNS / 3);
  const done = await check(forkedHistories, runs, noticesForks);
  expect(done).toBeGreaterThan(Math.min(runs, 200) - 1);
  const forks = (await metrics.rebuilds.get()).values.find(({ labels }) => labels.reason === 'fork')?.value ?? 0;
  process.stdout.write(`${forks} forks\n`);
  expect(forks).toBeGreaterThan(done / 20);
}, 180_000);
