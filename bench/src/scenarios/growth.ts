import { discardEvents, insertProducts, insertReviews, productIds } from '../environment/catalogue.js';
import { RATINGS_COMMAND_ENTRY } from '@exact-ratings/stack/system.js';
import { expectExact } from '../environment/pipeline.js';
import { createWorld, type World } from '../environment/world.js';
import { median } from '../measure/statistics.js';
import { formatNumber, type Figure } from '../report/figure.js';
import type { Scenario, ScenarioContext } from './scenario.js';

/** Of each query, one after the other; the median is reported. */
const REPETITIONS = 15;
const FALLBACK_REPETITIONS = 5;

const PAGE =
  'query Page($after: String) { products(first: 20, after: $after) { nodes { id averageRating reviewCount } } }';
const RATING = 'query Rating($id: ID!) { product(id: $id) { averageRating reviewCount } }';

/**
 * What becomes slower as the catalogue grows. Each step has that many products and as many reviews more, all of them of one
 * product besides one a product; the servers' data stays from step to step.
 */
export const growth: Scenario = async (context) => {
  const { stack, sizes, signal } = context;
  const world = await createWorld(stack, 'growth');
  try {
    const figures: Figure[] = [];
    let products = 0;
    for (const size of sizes.growth) {
      signal.throwIfAborted();
      await grow(world, context, products, size);
      products = size;
      figures.push(...(await measureStep(world, context, size)));
    }
    return figures;
  } finally {
    await world.close();
  }
};

/** Adds products and one review each, and to the first product as many reviews again. */
async function grow(world: World, { progress }: ScenarioContext, from: number, to: number): Promise<void> {
  progress(`inserting up to ${formatNumber(to)} products and twice as many reviews`);
  const count = to - from;
  await insertProducts(world, from + 1, to);
  const report = (inserted: number): void => {
    if (inserted % 200_000 === 0) progress(`${formatNumber(inserted)} reviews`);
  };
  await insertReviews(world, count, { from: from + 1, to }, report);
  await insertReviews(world, count, { from: 1, to: 1 }, report);
  await discardEvents(world);
}

async function measureStep(world: World, { progress }: ScenarioContext, size: number): Promise<Figure[]> {
  const label = `${formatNumber(size)} products`;
  await world.redis.flushall();
  const emptyBytes = await usedMemory(world);
  const rebuildMs = await timed(() => rebuildAll(world));
  const bytes = (await usedMemory(world)) - emptyBytes;
  progress(`${label}: rebuilt in ${formatNumber(rebuildMs / 1_000)} s`);
  const auditMs = await timed(() => expectExact(world));
  progress(`${label}: audited in ${formatNumber(auditMs / 1_000)} s`);

  const api = await world.startApi();
  try {
    const deep = await cursorAfter(world, Math.floor(size / 2));
    const [first] = await productIds(world, 1, 1);
    const pageAfter = (after: string | null) => () => askForPage(api.url, after);
    const page = await medianTime(REPETITIONS, pageAfter(null));
    const deepPage = await medianTime(REPETITIONS, pageAfter(deep));
    const fallback = await medianTime(
      FALLBACK_REPETITIONS,
      () => askForRating(api.url, first!, size + 1),
      () => world.store.delete([first!]),
    );
    progress(
      `${label}: page ${formatNumber(page)} ms, deep ${formatNumber(deepPage)} ms, fallback ${formatNumber(fallback)} ms`,
    );
    return [
      { measure: `${label}: first page of 20`, value: page, unit: 'ms' },
      { measure: `${label}: page of 20 in the middle of the list`, value: deepPage, unit: 'ms' },
      {
        measure: `${label}: rating of a product with ${formatNumber(size)} reviews, absent in Redis`,
        value: fallback,
        unit: 'ms',
      },
      { measure: `${label}: audit`, value: auditMs / 1_000, unit: 's' },
      { measure: `${label}: rebuild of all`, value: rebuildMs / 1_000, unit: 's' },
      { measure: `${label}: memory of Redis a product`, value: bytes / size, unit: 'bytes' },
    ];
  } finally {
    await api.stop();
  }
}

/** The cursor of the product at this place, made of PostgreSQL's row: paging there would take thousands of requests. */
async function cursorAfter({ pool }: World, place: number): Promise<string> {
  const { rows } = await pool.query<{ cursor: string }>(
    `SELECT 'product CREATED_AT DESC  ' || id || to_char(created_at AT TIME ZONE 'UTC', ' YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS cursor
       FROM products ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT 1`,
    [place],
  );
  return Buffer.from(rows[0]!.cursor).toString('base64url');
}

async function usedMemory({ redis }: World): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

function rebuildAll(world: World): Promise<void> {
  return world.runCommand('ratings-rebuild', RATINGS_COMMAND_ENTRY, ['rebuild', '--all'], {
    RECONCILER_REBUILDS_PER_SECOND: '1000000',
  });
}

async function askApi(url: string, query: string, variables: object): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(60_000),
  });
  const answer = (await response.json()) as { data?: unknown; errors?: unknown };
  if (answer.data == null || answer.errors !== undefined) throw new Error(`the API answered ${JSON.stringify(answer)}`);
  return answer.data;
}

/** @throws where the page does not hold 20 rated products */
async function askForPage(url: string, after: string | null): Promise<void> {
  const { products } = (await askApi(url, PAGE, { after })) as {
    products: { nodes: Array<{ reviewCount: number }> };
  };
  if (products.nodes.length !== 20 || products.nodes.some(({ reviewCount }) => reviewCount < 1)) {
    throw new Error(`the page after ${after} is not one of 20 rated products: ${JSON.stringify(products)}`);
  }
}

/** @throws where the product has another number of reviews */
async function askForRating(url: string, id: string, reviews: number): Promise<void> {
  const { product } = (await askApi(url, RATING, { id })) as { product: { reviewCount: number } | null };
  if (product?.reviewCount !== reviews) throw new Error(`${reviews} reviews were written: ${JSON.stringify(product)}`);
}

/** @param prepare runs before each repetition and is not timed */
async function medianTime(
  repetitions: number,
  action: () => Promise<void>,
  prepare: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  // Once for the connections and caches.
  await action();
  const times: number[] = [];
  for (let i = 0; i < repetitions; i += 1) {
    await prepare();
    times.push(await timed(action));
  }
  return median(times);
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}
