import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { Pool } from 'undici';
import { insertProducts, productIds } from '../environment/catalogue.js';
import { readEvents } from '../environment/topic-reader.js';
import { createWorld, type World } from '../environment/world.js';
import { runPaced } from '../load/paced-load.js';
import { RatingWatch } from '../measure/rating-watch.js';
import { percentile } from '../measure/statistics.js';
import { formatNumber, type Figure, type Wanted } from '../report/figure.js';
import type { Scenario, ScenarioContext } from './scenario.js';
import { ReviewMutations } from './write-requests.js';

const PRODUCTS = 1_000;
/** Every tenth review is of the first product. */
const HOT_EVERY = 10;
const MAX_IN_FLIGHT = 256;
const CATCH_UP_TIMEOUT_MS = 60_000;
/** The relay looks this often for what others have committed; half of it is added to the freshness of bare INSERTs. */
const POLL_MS = 10;

/** What is wanted, by reviews a second: of p50 and p99 in ms. At 2,000 the pipeline is to keep up. */
const WANTED: Readonly<Record<number, { readonly p50?: Wanted; readonly p99?: Wanted }>> = {
  500: { p50: { atMost: 10 }, p99: { atMost: 50 } },
  1_000: { p99: { atMost: 100 } },
};
const KEEPS_UP = 0.95;
const WARM_UP_RATE = 200;

type Route = 'createReview' | 'INSERT';

/**
 * From the capture of a review to its rating being readable in Redis, at constant rates: written through the API, which wakes
 * its relay, and by bare INSERTs, whose rate does not depend on the API.
 */
export const freshness: Scenario = async (context) => {
  const { stack, sizes, signal } = context;
  const world = await createWorld(stack, 'freshness');
  try {
    const api = await world.startApi({ OUTBOX_POLL_INTERVAL_MS: String(POLL_MS) });
    await world.startWorker();
    await measureFreshness(context, world, api.url, {
      rate: WARM_UP_RATE,
      seconds: 1,
      route: 'createReview',
      first: 1,
    });
    const figures: Figure[] = [];
    let first = 1 + PRODUCTS;
    for (const rate of sizes.freshnessRates) {
      for (const route of ['createReview', 'INSERT'] as const) {
        signal.throwIfAborted();
        const run = { rate, seconds: sizes.freshnessSeconds, route, first };
        const { reached, latencies } = await measureFreshness(context, world, api.url, run);
        figures.push(...freshnessFigures(run, reached, latencies, context.progress));
        first += PRODUCTS;
      }
    }
    return figures;
  } finally {
    await world.close();
  }
};

/** One rate on one route. */
interface Run {
  readonly rate: number;
  readonly seconds: number;
  readonly route: Route;
  /** The number of its first product: each run has products of its own, so that their counts begin at 0. */
  readonly first: number;
}

/** @returns the rate that was reached, and the time in ms from capture to readable of each review */
async function measureFreshness(
  { signal }: ScenarioContext,
  world: World,
  apiUrl: string,
  { rate, seconds, route, first }: Run,
): Promise<{ reached: number; latencies: number[] }> {
  const last = first + PRODUCTS - 1;
  await insertProducts(world, first, last);
  const ids = await productIds(world, first, last);
  const watch = new RatingWatch(world.redis);
  const count = Math.ceil(rate * seconds);
  const writer = route === 'INSERT' ? insertWriter(world) : await apiWriter(world, apiUrl, ids, count);
  let reached: number;
  try {
    reached = await runPaced({
      rate,
      seconds,
      maxInFlight: MAX_IN_FLIGHT,
      signal,
      action: async (index) => {
        const productId = productOf(index, ids);
        watch.expect(productId);
        await writer.write(index, productId);
      },
    });
    const complete = await waitUntil(() => watch.isComplete, { timeoutMs: CATCH_UP_TIMEOUT_MS });
    if (complete !== true) throw new Error(`not every review was readable ${CATCH_UP_TIMEOUT_MS / 1_000} s later`);
  } finally {
    await watch.stop();
    await writer.close();
  }
  const own = new Set(ids);
  const latencies = (await readEvents(world))
    .filter(({ productId }) => own.has(productId))
    .map(({ productId, seq, occurredAt }) => {
      const readableAt = watch.readableAt(productId, seq);
      if (readableAt === undefined) throw new Error(`review ${seq} of ${productId} was never seen in Redis`);
      return Math.max(0, readableAt - occurredAt);
    });
  return { reached, latencies };
}

function productOf(index: number, ids: readonly string[]): string {
  return index % HOT_EVERY === 0 ? ids[0]! : ids[1 + (index % (ids.length - 1))]!;
}

interface Writer {
  /** Writes the review of that index. @throws where it was not written */
  write(index: number, productId: string): Promise<void>;
  close(): Promise<void>;
}

function insertWriter(world: World): Writer {
  // The world's pool has ten connections.
  return {
    write: async (index, productId) => {
      await world.pool.query({
        name: 'insert_review',
        text: 'INSERT INTO reviews (product_id, rating, body) VALUES ($1, $2, $3)',
        values: [productId, 1 + (index % 5), `Review number ${index}.`],
      });
    },
    close: () => Promise.resolve(),
  };
}

async function apiWriter(world: World, url: string, ids: readonly string[], count: number): Promise<Writer> {
  const mutations = new ReviewMutations(world);
  const requests = await mutations.each(Array.from({ length: count }, (_, index) => productOf(index, ids)));
  const pool = new Pool(url, { connections: 64 });
  return {
    write: async (index) => {
      const { method, path, body, authorization } = requests[index]!;
      const headers = { 'content-type': 'application/json', authorization: authorization ?? '' };
      const response = await pool.request({ method, path, headers, body: body ?? null });
      const text = await response.body.text();
      if (!text.includes('"userErrors":[]')) throw new Error(`createReview answered ${text.slice(0, 500)}`);
    },
    close: () => pool.close(),
  };
}

function freshnessFigures(
  { rate, route }: Run,
  reached: number,
  latencies: readonly number[],
  progress: (text: string) => void,
): Figure[] {
  const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
  const label = `${formatNumber(rate)}/s by ${route}`;
  const detail = `max ${formatNumber(percentile(latencies, 100))} ms, ${formatNumber(latencies.length)} reviews`;
  progress(`${label}: ${formatNumber(reached)}/s reached, p50 ${formatNumber(p50)} ms, p99 ${formatNumber(p99)} ms`);
  const wanted = route === 'createReview' ? WANTED[rate] : undefined;
  return [
    {
      measure: `${label}: rate reached`,
      value: reached,
      unit: '/s',
      ...(route === 'createReview' ? { wanted: { atLeast: rate * KEEPS_UP } } : {}),
    },
    { measure: `${label}: p50`, value: p50, unit: 'ms', ...(wanted?.p50 ? { wanted: wanted.p50 } : {}), detail },
    { measure: `${label}: p99`, value: p99, unit: 'ms', ...(wanted?.p99 ? { wanted: wanted.p99 } : {}), detail },
  ];
}
