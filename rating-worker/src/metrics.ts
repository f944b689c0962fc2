import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seven a decade where freshness is wanted (10 ms for half of the changes, 50 ms for 99 %), three a decade beyond. */
const FRESHNESS_BUCKETS_S = [
  0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  300,
];

/** The worker's metrics in a registry of their own, so that several workers fit into one process. */
export interface WorkerMetrics {
  readonly registry: Registry;
  readonly ready: Gauge<'part'>;
  readonly events: Counter<'result'>;
  readonly jobs: Counter<'result'>;
  readonly gaps: Counter;
  readonly rebuilds: Counter<'reason'>;
  readonly setAside: Gauge;
  readonly deadLetters: Counter;
  readonly deadLettersBlocked: Gauge;
  readonly freshness: Histogram;
  readonly consumerLag: Gauge;
  readonly compared: Counter<'scan'>;
  readonly lagging: Gauge;
  readonly drifted: Counter<'kind'>;
  readonly repaired: Counter<'kind'>;
  readonly scans: Counter<'scan'>;
  readonly lastScan: Gauge<'scan'>;
  readonly redisDataLosses: Counter;
  readonly persisted: Counter;
  readonly lastPersistencePass: Gauge;
}

/** @param readiness what `/ready` says, asked at every collection */
export function createMetrics(
  readiness: () => Promise<Readonly<Record<string, boolean>>> = () => Promise.resolve({}),
): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  // The default of 10 ms wakes an idle process 100 times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  return {
    registry,
    ready: new Gauge({
      name: 'rating_worker_ready',
      help: 'What /ready says: 1 where the part is up',
      labelNames: ['part'],
      registers,
      async collect() {
        for (const [part, isUp] of Object.entries(await readiness())) this.set({ part }, isUp ? 1 : 0);
      },
    }),
    events: new Counter({
      name: 'rating_events_total',
      help: 'Review events: applied, duplicate (applied before), rebuilt (from PostgreSQL), deferred (until PostgreSQL answers), unknown_product',
      labelNames: ['result'],
      registers,
    }),
    jobs: new Counter({
      name: 'rating_jobs_total',
      help: 'Attempts of BullMQ jobs: completed, retried, stalled, failed (all attempts used up; kept for inspection)',
      labelNames: ['result'],
      registers,
    }),
    gaps: new Counter({
      name: 'rating_gaps_total',
      help: 'Products whose next event did not follow the state in Redis (GAP or BROKEN); 0 in a faultless run',
      registers,
    }),
    rebuilds: new Counter({
      name: 'rating_rebuilds_total',
      help: 'Ratings rebuilt from PostgreSQL, by reason',
      labelNames: ['reason'],
      registers,
    }),
    setAside: new Gauge({
      name: 'rating_set_aside_products',
      help: 'Products whose reviews PostgreSQL could not count within DATABASE_STATEMENT_TIMEOUT_MS; tried again, ever more rarely',
      registers,
    }),
    deadLetters: new Counter({
      name: 'rating_dead_letters_total',
      help: 'Messages that broke the contract and went to the dead-letter topic',
      registers,
    }),
    deadLettersBlocked: new Gauge({
      name: 'rating_dead_letters_blocked',
      help: 'Messages that the dead-letter topic does not take; their partitions wait, the others go on',
      registers,
    }),
    freshness: new Histogram({
      name: 'rating_freshness_seconds',
      help: 'From the change in PostgreSQL to the rating in Redis',
      buckets: FRESHNESS_BUCKETS_S,
      registers,
    }),
    consumerLag: new Gauge({
      name: 'rating_consumer_lag_messages',
      help: 'Messages of the own partitions that are not done yet, as the consumer monitor saw them last',
      registers,
    }),
    compared: new Counter({
      name: 'rating_reconciler_products_compared_total',
      help: 'Products whose rating in Redis the reconciler compared with PostgreSQL',
      labelNames: ['scan'],
      registers,
    }),
    lagging: new Gauge({
      name: 'rating_reconciler_lagging_products',
      help: 'Products whose events were still in transit when the last scan saw them: lag, not drift',
      registers,
    }),
    drifted: new Counter({
      name: 'rating_reconciler_drifted_total',
      help: 'Products whose rating was proven to differ from PostgreSQL, by kind',
      labelNames: ['kind'],
      registers,
    }),
    repaired: new Counter({
      name: 'rating_reconciler_repaired_total',
      help: 'Products whose rating the reconciler repaired, by kind of drift',
      labelNames: ['kind'],
      registers,
    }),
    scans: new Counter({
      name: 'rating_reconciler_scans_total',
      help: 'Completed scans over all products',
      labelNames: ['scan'],
      registers,
    }),
    lastScan: new Gauge({
      name: 'rating_reconciler_last_scan_timestamp_seconds',
      help: 'When this process completed its last scan of each kind, in seconds since 1970',
      labelNames: ['scan'],
      registers,
    }),
    redisDataLosses: new Counter({
      name: 'rating_redis_data_losses_total',
      help: 'How often the heartbeat told that Redis had lost data',
      registers,
    }),
    persisted: new Counter({
      name: 'rating_persisted_total',
      help: 'Ratings that were persisted after they had changed',
      registers,
    }),
    lastPersistencePass: new Gauge({
      name: 'rating_persistence_last_pass_timestamp_seconds',
      help: 'When this process ended its last pass over the ratings that had changed, in seconds since 1970',
      registers,
    }),
  };
}
