import fc from 'fast-check';
import { dataOf, query } from '../testing/graphql.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newId } from '../graphql/ids.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

interface Item {
  readonly id: string;
  readonly createdAt: string;
}

/** Moments that collide, and differ by microseconds only. */
const MOMENTS = [0, 0, 0, 1, 2, 3, 999, 1_000, 1_001, 5_000].map(
  (micros) => `2026-01-01T00:00:00.${String(micros).padStart(6, '0')}Z`,
);

function newestFirst(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) =>
    a.createdAt === b.createdAt ? (a.id < b.id ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1,
  );
}

interface PageArgs {
  readonly first?: number;
  readonly last?: number;
  readonly after?: string;
  readonly before?: string;
}

interface AnsweredPage {
  readonly edges: Array<{ cursor: string; node: { id: string } }>;
  readonly nodes: Array<{ id: string }>;
  readonly pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

const PAGE = 'edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const VARIABLES = '$first: Int, $last: Int, $after: String, $before: String';
const ARGUMENTS = 'first: $first, last: $last, after: $after, before: $before';

async function reviewPage(productId: string, args: PageArgs): Promise<AnsweredPage> {
  const operation = `query ($id: ID!, ${VARIABLES}) { product(id: $id) { reviews(${ARGUMENTS}) { ${PAGE} } } }`;
  return dataOf(await query(app.origin, operation, { id: productId, ...args })).product.reviews;
}

async function insertReviews(productId: string, moments: readonly string[]): Promise<Item[]> {
  const items = moments.map((createdAt) => ({ id: newId(), createdAt }));
  await database.pool.query(
    `INSERT INTO reviews (id, product_id, rating, created_at)
     SELECT id, $1, 3, at FROM unnest($2::uuid[], $3::timestamptz[]) AS r (id, at)`,
    [productId, items.map(({ id }) => id), items.map(({ createdAt }) => createdAt)],
  );
  return newestFirst(items);
}

/** What the page of a plain array is; `cursors` are positions of items, some of which may be gone from `list`. */
function expectedPage(
  list: readonly Item[],
  order: readonly Item[],
  args: { first?: number; last?: number; after?: number; before?: number },
) {
  const rank = new Map(order.map(({ id }, i) => [id, i]));
  const at = (item: Item): number => rank.get(item.id)!;
  const window = list.filter(
    (item) =>
      (args.after === undefined || at(item) > args.after) && (args.before === undefined || at(item) < args.before),
  );
  const size = args.first ?? args.last ?? 20;
  const page = args.last === undefined ? window.slice(0, size) : window.slice(Math.max(0, window.length - size));
  const outside = (test: (rank: number) => boolean): boolean => list.some((item) => test(at(item)));
  const cut = window.length > size;
  return {
    ids: page.map(({ id }) => id),
    hasNextPage: (args.last === undefined && cut) || (args.before !== undefined && outside((r) => r >= args.before!)),
    hasPreviousPage: (args.last !== undefined && cut) || (args.after !== undefined && outside((r) => r <= args.after!)),
  };
}

test('every page is what a plain array says, whatever its arguments, with equal moments and deleted cursor rows', async () => {
  const optionalRank = fc.option(fc.nat(30), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...MOMENTS), { minLength: 1, maxLength: 25 }),
      fc.array(
        fc.record({
          size: fc.nat(8),
          direction: fc.constantFrom('first', 'last', 'neither'),
          after: optionalRank,
          before: optionalRank,
        }),
        { minLength: 4, maxLength: 8 },
      ),
      fc.array(fc.nat(24), { maxLength: 3 }),
      async (moments, requests, deletions) => {
        const product = await insertProduct(database.pool);
        const order = await insertReviews(product, moments);
        const all = await reviewPage(product, { first: 100 });
        expect(all.nodes.map(({ id }) => id)).toEqual(order.map(({ id }) => id));
        const cursors = all.edges.map(({ cursor }) => cursor);
        const gone = new Set(deletions.filter((n) => n < order.length).map((n) => order[n]!.id));
        await database.pool.query('DELETE FROM reviews WHERE id = ANY ($1)', [[...gone]]);
        const list = order.filter(({ id }) => !gone.has(id));

        for (const { size, direction, after, before } of requests) {
          const ranks = {
            ...(direction === 'neither' ? {} : { [direction]: size }),
            ...(after === undefined ? {} : { after: after % order.length }),
            ...(before === undefined ? {} : { before: before % order.length }),
          };
          const args: PageArgs = {
            ...(direction === 'neither' ? {} : { [direction]: size }),
            ...(after === undefined ? {} : { after: cursors[after % order.length]! }),
            ...(before === undefined ? {} : { before: cursors[before % order.length]! }),
          };
          const page = await reviewPage(product, args);
          expect({
            ids: page.nodes.map(({ id }) => id),
            hasNextPage: page.pageInfo.hasNextPage,
            hasPreviousPage: page.pageInfo.hasPreviousPage,
          }).toEqual(expectedPage(list, order, ranks));
          expect(page.edges.map(({ node }) => node.id)).toEqual(page.nodes.map(({ id }) => id));
          expect([page.pageInfo.startCursor, page.pageInfo.endCursor]).toEqual([
            page.edges[0]?.cursor ?? null,
            page.edges.at(-1)?.cursor ?? null,
          ]);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('following the cursors visits every review once, in both directions', async () => {
  const product = await insertProduct(database.pool);
  const order = await insertReviews(
    product,
    Array.from({ length: 45 }, (_, i) => MOMENTS[i % MOMENTS.length]!),
  );
  const ids = order.map(({ id }) => id);
  const forward: string[] = [];
  for (let page = await reviewPage(product, { first: 7 }); ;) {
    forward.push(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasNextPage) break;
    page = await reviewPage(product, { first: 7, after: page.pageInfo.endCursor! });
  }
  expect(forward).toEqual(ids);
  const backward: string[] = [];
  for (let page = await reviewPage(product, { last: 7 }); ;) {
    backward.unshift(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasPreviousPage) break;
    page = await reviewPage(product, { last: 7, before: page.pageInfo.startCursor! });
  }
  expect(backward).toEqual(ids);
});

test('the list of products pages in the same way; 20 is the default, 100 the most', async () => {
  const items = Array.from({ length: 120 }, (_, i) => ({ id: newId(), createdAt: MOMENTS[i % MOMENTS.length]! }));
  await database.pool.query('DELETE FROM products');
  await database.pool.query(
    `INSERT INTO products (id, name, price_amount, price_currency, created_at)
     SELECT id, 'x', 1, 'EUR', at FROM unnest($1::uuid[], $2::timestamptz[]) AS p (id, at)`,
    [items.map(({ id }) => id), items.map(({ createdAt }) => createdAt)],
  );
  const page = async (args: PageArgs): Promise<AnsweredPage & { totalCount: number }> =>
    dataOf(
      await query(app.origin, `query (${VARIABLES}) { products(${ARGUMENTS}) { ${PAGE} totalCount } }`, { ...args }),
    ).products;
  const ids = newestFirst(items).map(({ id }) => id);
  const idsOf = ({ nodes }: AnsweredPage): string[] => nodes.map(({ id }) => id);

  const first = await page({});
  expect(idsOf(first)).toEqual(ids.slice(0, 20));
  expect(first.totalCount).toBe(120);
  expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  const hundred = await page({ first: 100 });
  expect(idsOf(hundred)).toEqual(ids.slice(0, 100));
  const rest = await page({ first: 100, after: hundred.pageInfo.endCursor! });
  expect(idsOf(rest)).toEqual(ids.slice(100));
  expect(rest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  expect(idsOf(await page({ last: 5 }))).toEqual(ids.slice(-5));
  expect(await page({ first: 0 })).toMatchObject({
    edges: [],
    nodes: [],
    pageInfo: { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
  expect(await page({ last: 0, before: hundred.pageInfo.endCursor! })).toMatchObject({
    nodes: [],
    pageInfo: { hasNextPage: true, hasPreviousPage: true },
  });
});

test('pages of many products in one request are each their own', async () => {
  const products = [
    await insertProduct(database.pool),
    await insertProduct(database.pool),
    await insertProduct(database.pool),
  ];
  const orders = [
    await insertReviews(products[0]!, MOMENTS.slice(0, 3)),
    [],
    await insertReviews(products[2]!, MOMENTS.slice(0, 5)),
  ];
  const operation = `query { ${products
    .map(
      (id, i) =>
        `p${i}: product(id: "${id}") { a: reviews(first: 2) { nodes { id } totalCount } b: reviews(last: 1) { nodes { id } } }`,
    )
    .join(' ')} }`;
  const data = dataOf(await query(app.origin, operation));
  orders.forEach((order, i) => {
    const ids = order.map(({ id }) => ({ id }));
    expect(data[`p${i}`]).toEqual({
      a: { nodes: ids.slice(0, 2), totalCount: ids.length },
      b: { nodes: ids.slice(-1) },
    });
  });
});
