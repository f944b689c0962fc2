import { setTimeout as delay } from 'node:timers/promises';
import type { ProxyMode } from '../../fault-proxy.js';
import type { Fault, FaultContext, SystemShape } from './fault.js';
import { untilReady } from './service-faults.js';

const PROXIED: SystemShape = { apis: 2, workers: 2, redisProxy: true };

/** Bound of a read's p99: the time-out of Redis (100 ms) and a query of PostgreSQL, on a busy machine. */
const READ_P99_MS = 1_000;

async function network({ bed, probe, note, violation }: FaultContext, mode: ProxyMode, seconds: number): Promise<void> {
  const began = Date.now();
  bed.redisProxy!.setMode(mode);
  await delay(seconds * 1_000);
  const { p99, max, reads } = probe.report(began);
  bed.redisProxy!.setMode({ kind: 'pass' });
  note(`during it ${reads} reads, p99 ${p99} ms, at most ${max} ms`);
  if (p99 > READ_P99_MS) violation(`availability: reads took ${p99} ms (p99) while Redis did not answer`);
}

const untilRecovered = ({ bed }: FaultContext): Promise<void> => untilReady(bed.system.workers);

export const redisNetworkFaults: readonly Fault[] = [
  {
    name: 'redis-black-hole',
    row: 15,
    title: 'the network to Redis swallows every packet for 15 s',
    shape: PROXIED,
    inject: (context) => network(context, { kind: 'black-hole' }, 15),
    untilRecovered,
  },
  {
    name: 'redis-replies-dropped',
    row: 15,
    title: "Redis's answers are swallowed for 10 s: commands are executed, and their callers are never told",
    shape: PROXIED,
    inject: (context) => network(context, { kind: 'drop-replies' }, 10),
    untilRecovered,
  },
  {
    name: 'redis-slow',
    row: 15,
    title: 'every packet to and from Redis takes 200 ms longer, for 10 s',
    shape: PROXIED,
    inject: (context) => network(context, { kind: 'delay', ms: 200 }, 10),
    untilRecovered,
  },
  {
    name: 'redis-resets',
    row: 15,
    title: 'all connections to Redis are reset, 20 times in 10 s',
    shape: PROXIED,
    inject: async ({ bed }) => {
      for (let round = 0; round < 20; round += 1) {
        bed.redisProxy!.reset();
        await delay(500);
      }
    },
    untilRecovered,
  },
];
