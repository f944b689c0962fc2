import { discardEvents, insertProducts, insertReviews, productIds } from '../environment/catalogue.js';
import { expectExact, untilDrained } from '../environment/pipeline.js';
import { createWorld } from '../environment/world.js';
import { LoadGenerator } from '../load/load-generator.js';
import type { LoadRequest } from '../load/load-plan.js';
import { processMemory } from '../measure/process-memory.js';
import { median } from '../measure/statistics.js';
import { formatNumber, type Figure } from '../report/figure.js';
import type { Scenario } from './scenario.js';
import { ReviewMutations } from './write-requests.js';

const READERS = 16;
const WRITERS = 8;
/** The load comes in slices of so many seconds, each with products, authors and texts that were not there before. */
const SLICE_SECONDS = 5;
/** More mutations than the writers manage. */
const MUTATIONS_PER_SECOND = 1_500;
/** Operations whose texts differ: more than any of the API's caches of texts holds. */
const TEXTS_PER_SLICE = 700;
const WANTED_GROWTH = 1.1;

const SERVICES = ['API', 'worker'] as const;
type Service = (typeof SERVICES)[number];
const megabytes = (bytes: number): number => bytes / 1_000_000;

/** Memory of API and worker under a load that never repeats itself: what grows all the time is not bounded. */
export const memory: Scenario = async ({ stack, sizes, progress, signal }) => {
  const world = await createWorld(stack, 'memory');
  const [readLoad, writeLoad] = [LoadGenerator.start(), LoadGenerator.start()];
  try {
    await insertProducts(world, 1, sizes.products);
    await insertReviews(world, sizes.products, { from: 1, to: sizes.products });
    await discardEvents(world);
    const ids = await productIds(world, 1, sizes.products);
    // Beside other work a busy event loop is no finding here.
    const api = await world.startApi({ GRAPHQL_MAX_EVENT_LOOP_DELAY_MS: '0' });
    const worker = await world.startWorker();
    const mutations = new ReviewMutations(world);
    const pids: Record<Service, number> = { API: api.pid, worker: worker.pid };
    const samples: Record<Service, number[]> = { API: [], worker: [] };
    const slices = Math.ceil(sizes.memorySeconds / SLICE_SECONDS);
    const seconds = Math.min(SLICE_SECONDS, sizes.memorySeconds);
    const http = { kind: 'http', origin: api.url, seconds } as const;
    let answered = 0;
    for (let slice = 0; slice < slices; slice += 1) {
      signal.throwIfAborted();
      const reads = {
        ...http,
        connections: READERS,
        requests: readRequests(ids, slice),
        repeat: true,
        mustInclude: '"averageRating":',
      };
      const writes = {
        ...http,
        connections: WRITERS,
        requests: await mutations.next(ids, MUTATIONS_PER_SECOND * seconds),
        repeat: false,
        mustInclude: '"userErrors":[]',
      };
      const results = await Promise.all([readLoad.run(reads), writeLoad.run(writes)]);
      answered += results.reduce((sum, { count }) => sum + count, 0);
      for (const name of SERVICES) samples[name].push(processMemory(pids[name]));
      const now = SERVICES.map((name) => `${name} ${formatNumber(megabytes(samples[name].at(-1)!))} MB`).join(', ');
      if (slice % 12 === 0) progress(`${slice * SLICE_SECONDS} s: ${now}`);
    }
    await untilDrained(world, worker.url);
    await expectExact(world);
    return SERVICES.flatMap((name) => memoryFigures(name, samples[name], answered));
  } finally {
    readLoad.stop();
    writeLoad.stop();
    await world.close();
  }
};

/** Pages and products, in texts of this slice's own. */
function readRequests(ids: readonly string[], slice: number): LoadRequest[] {
  return Array.from({ length: TEXTS_PER_SLICE }, (_, i) => {
    const alias = `s${slice}_${i}`;
    const id = ids[(slice * TEXTS_PER_SLICE + i) % ids.length];
    const query = `query ($id: ID!) {
      ${alias}: products(first: 10) { nodes { id name averageRating } }
      product(id: $id) { averageRating reviews(first: 5) { nodes { rating title author { displayName } } } }
    }`;
    return { method: 'POST', path: '/graphql', body: JSON.stringify({ query, variables: { id } }) };
  });
}

/** The second quarter of the samples beside the last one: the first is the start, in which heaps and caches fill. */
function memoryFigures(name: Service, samples: readonly number[], answered: number): Figure[] {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const early = median(samples.slice(quarter, 2 * quarter).concat(samples.length < 4 ? samples : []));
  const late = median(samples.slice(-quarter));
  return [
    {
      measure: `memory of the ${name}`,
      value: megabytes(late),
      unit: 'MB',
      detail: `most ${formatNumber(megabytes(Math.max(...samples)))} MB; ${formatNumber(answered)} requests`,
    },
    {
      measure: `memory of the ${name}: last quarter of the time as a ratio to the second`,
      value: late / early,
      unit: '',
      wanted: { atMost: WANTED_GROWTH },
    },
  ];
}
