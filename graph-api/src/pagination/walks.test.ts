import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

/** Rows that nobody touches; every walk must see each of them once. Beside them as many that are changed all the time. */
const STILL = 2_000;
const MOVING = 500;
const PAGE_SIZE = 100;

let database: TestDatabase;
let app: TestApp;
let product: string;

beforeAll(async () => {
  database = await createTestDatabase();
  product = await insertProduct(database.pool);
  await database.pool.query('DELETE FROM products WHERE id <> $1', [product]);
  // Many rows share a name, a price and a moment.
  await database.pool.query(
    `INSERT INTO products (name, description, price_amount, price_currency, created_at)
     SELECT 'Product ' || (i * 7919 % 97), CASE WHEN i <= $1::integer THEN 'still' ELSE 'moving' END || ' thing', i * 7919 % 89, 'EUR',
            timestamptz '2026-01-01' + (i * 7919 % 101) * interval '1 microsecond'
       FROM generate_series(1, $1::integer + $2::integer) i`,
    [STILL, MOVING],
  );
  await database.pool.query(
    `INSERT INTO reviews (product_id, rating, title, body, created_at)
     SELECT $3, 1 + i * 7919 % 5, CASE WHEN i <= $1::integer THEN 'still' ELSE 'moving' END, 'Words.', timestamptz '2026-01-01' + (i * 7919 % 101) * interval '1 microsecond'
       FROM generate_series(1, $1::integer + $2::integer) i`,
    [STILL, MOVING, product],
  );
  await database.pool.query('UPDATE review_vote_counts SET helpful_count = floor(random() * 7)');
  app = await startTestApp(database.env);
}, 60_000);
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** Inserts, deletes and moves rows beside those that stand still, until it is told to end. @returns how many rounds it made */
async function disturb(signal: AbortSignal): Promise<number> {
  let rounds = 0;
  for (; !signal.aborted; rounds += 1) {
    await database.pool.query(
      `UPDATE products SET name = 'Product ' || floor(random() * 97), price_amount = floor(random() * 89),
              created_at = timestamptz '2026-01-01' + floor(random() * 101) * interval '1 microsecond'
        WHERE id IN (SELECT id FROM products WHERE description = 'moving thing' ORDER BY random() LIMIT 40)`,
    );
    await database.pool.query(
      `DELETE FROM products WHERE id IN (SELECT id FROM products WHERE description = 'moving thing' ORDER BY random() LIMIT 10)`,
    );
    await database.pool.query(
      `INSERT INTO products (name, description, price_amount, price_currency, created_at)
       SELECT 'Product ' || floor(random() * 97), 'moving thing', floor(random() * 89), 'EUR',
              timestamptz '2026-01-01' + floor(random() * 101) * interval '1 microsecond' FROM generate_series(1, 10)`,
    );
    await database.pool.query(
      `UPDATE reviews SET rating = 1 + floor(random() * 5) WHERE id IN (SELECT id FROM reviews WHERE title = 'moving' ORDER BY random() LIMIT 40)`,
    );
    await database.pool.query(
      `UPDATE review_vote_counts SET helpful_count = floor(random() * 7)
        WHERE review_id IN (SELECT id FROM reviews WHERE title = 'moving' ORDER BY random() LIMIT 40)`,
    );
    await database.pool.query(
      `DELETE FROM reviews WHERE id IN (SELECT id FROM reviews WHERE title = 'moving' ORDER BY random() LIMIT 10)`,
    );
    await database.pool.query(
      `INSERT INTO reviews (product_id, rating, title, body, created_at)
       SELECT $1, 1 + floor(random() * 5), 'moving', 'Words.', timestamptz '2026-01-01' + floor(random() * 101) * interval '1 microsecond'
         FROM generate_series(1, 10)`,
      [product],
    );
  }
  return rounds;
}

interface WalkedPage {
  readonly nodes: Array<{ id: string }>;
  readonly pageInfo: {
    startCursor: string | null;
    endCursor: string | null;
    hasNextPage: boolean;
    hasPreviousPage: boolean;
  };
}

const VARIABLES = '$first: Int, $after: String, $last: Int, $before: String';
const ARGUMENTS = 'first: $first, after: $after, last: $last, before: $before';
const PAGE = 'nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }';

const LISTS = {
  products: {
    operation: `query (${VARIABLES}, $filter: ProductFilter, $orderBy: ProductOrder) { list: products(${ARGUMENTS}, filter: $filter, orderBy: $orderBy) { ${PAGE} } }`,
    read: (data: { list: WalkedPage }) => data.list,
    columns: { CREATED_AT: 'created_at', NAME: 'name_key', PRICE: 'price_amount' },
    still: `SELECT id FROM products WHERE description = 'still thing'`,
  },
  reviews: {
    operation: `query (${VARIABLES}, $filter: ReviewFilter, $orderBy: ReviewOrder) { list: reviews(${ARGUMENTS}, filter: $filter, orderBy: $orderBy) { ${PAGE} } }`,
    read: (data: { list: WalkedPage }) => data.list,
    columns: { CREATED_AT: 'created_at', RATING: 'rating', HELPFUL_COUNT: 'helpful_count' },
    still: `SELECT id FROM reviews JOIN review_vote_counts ON review_id = id WHERE title = 'still'`,
  },
  'reviews of a product': {
    operation: `query ($id: ID!, ${VARIABLES}, $filter: ReviewFilter, $orderBy: ReviewOrder) {
      product(id: $id) { list: reviews(${ARGUMENTS}, filter: $filter, orderBy: $orderBy) { ${PAGE} } } }`,
    read: (data: { product: { list: WalkedPage } }) => data.product.list,
    columns: { CREATED_AT: 'created_at', RATING: 'rating', HELPFUL_COUNT: 'helpful_count' },
    still: `SELECT id FROM reviews JOIN review_vote_counts ON review_id = id WHERE title = 'still'`,
  },
} as const;

type ListName = keyof typeof LISTS;

/** The ids of a whole list, page by page, as they stand in the list. */
async function walk(name: ListName, variables: object, backward: boolean): Promise<string[]> {
  const { operation, read } = LISTS[name];
  const pages: string[][] = [];
  let cursor: string | null = null;
  for (let goesOn = true; goesOn;) {
    const page: object = backward ? { last: PAGE_SIZE, before: cursor } : { first: PAGE_SIZE, after: cursor };
    const answer = dataOf(await query(app.origin, operation, { id: product, ...variables, ...page })) as never;
    const { nodes, pageInfo }: WalkedPage = read(answer);
    pages.push(nodes.map(({ id }) => id));
    // The rows behind the cursor may all be gone by now.
    cursor = (backward ? pageInfo.startCursor : pageInfo.endCursor) ?? cursor;
    goesOn = backward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
  }
  return (backward ? pages.reverse() : pages).flat();
}

async function idsOf(text: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(text);
  return rows.map(({ id }) => id);
}

test.each<[ListName, string, object | undefined, string]>([
  ['products', 'CREATED_AT', undefined, ''],
  ['products', 'NAME', undefined, ''],
  ['products', 'PRICE', { currencyCode: 'EUR' }, ''],
  ['products', 'NAME', { search: 'thing' }, ''],
  [
    'products',
    'PRICE',
    { search: 'still or nowhere', currencyCode: 'EUR', price: { gte: '20' } },
    'AND price_amount >= 20',
  ],
  ['reviews', 'CREATED_AT', undefined, ''],
  ['reviews', 'RATING', undefined, ''],
  ['reviews', 'HELPFUL_COUNT', undefined, ''],
  ['reviews', 'RATING', { ratings: [2, 3], hasBody: true }, 'AND rating IN (2, 3)'],
  ['reviews of a product', 'CREATED_AT', undefined, ''],
  ['reviews of a product', 'RATING', undefined, ''],
  ['reviews of a product', 'HELPFUL_COUNT', undefined, ''],
  ['reviews of a product', 'CREATED_AT', { ratings: [5] }, 'AND rating = 5'],
])(
  '%s by %s with %j: each row that does not move is there once, in its place, while others come, go and move',
  async (name, field, filter, condition) => {
    const { columns, still } = LISTS[name];
    const column = (columns as Record<string, string>)[field]!;
    for (const direction of ['ASC', 'DESC']) {
      const expected = await idsOf(`${still} ${condition} ORDER BY ${column} ${direction}, id ${direction}`);
      expect(expected.length).toBeGreaterThan(STILL / 6);
      const isStill = new Set(expected);
      for (const backward of [false, true]) {
        const ending = new AbortController();
        const disturbing = disturb(ending.signal);
        const walked = await walk(name, { filter, orderBy: { field, direction } }, backward).finally(() =>
          ending.abort(),
        );
        expect(await disturbing).toBeGreaterThan(0);
        expect(walked.filter((id) => isStill.has(id))).toEqual(expected);
      }
    }
  },
  180_000,
);
