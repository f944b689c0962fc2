import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { dataOf, query } from '../testing/graphql.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { startPostgresProxy, startRedisProxy, type WireProxy } from '../testing/wire-proxy.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';

let database: TestDatabase;
let postgres: WireProxy<string>;
let redisProxy: WireProxy<string[]>;
let redis: Redis;
let app: TestApp;

const PRODUCTS = 100;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `INSERT INTO products (name, price_amount, price_currency) SELECT 'p' || n, 1, 'EUR' FROM generate_series(1, $1) n`,
    [PRODUCTS],
  );
  await database.pool.query(
    `INSERT INTO authors (issuer, subject, display_name) SELECT '', 's' || n, 'A' || n FROM generate_series(1, 5) n`,
  );
  await database.pool.query(
    `INSERT INTO reviews (product_id, author_id, rating) SELECT p.id, a.id, 4 FROM products p, authors a`,
  );
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  redisProxy = await startRedisProxy(Number(database.env['REDIS_PORT']));
  redis = connectRedis();
  app = await startTestApp({
    ...database.env,
    DATABASE_PORT: String(postgres.port),
    REDIS_PORT: String(redisProxy.port),
    // Counting is what matters here, not how busy the machine is.
    REDIS_COMMAND_TIMEOUT_MS: '10000',
  });
  await eventually('Redis is connected', async () => {
    await query(app.origin, '{ products(first: 1) { nodes { reviewCount } } }');
    return redisProxy.seen.some(([name]) => name === 'MGET');
  });
});
afterAll(async () => {
  await app?.stop();
  redis?.disconnect();
  await postgres?.close();
  await redisProxy?.close();
  await database.drop();
});

async function makeCold(except?: string): Promise<void> {
  const { rows } = await database.pool.query('SELECT id FROM products');
  for (const { id } of rows as Array<{ id: string }>) {
    if (id === except) continue;
    await redis.del(`product:${id}:rating`, `product:${id}:reviewCount`, `product:${id}:ratingState`);
  }
}

/** What a new connection is asked before its first statement; how many there are is up to the pool. */
const SESSION_CHECK = 'prepare_session';

/** What one piece of work asked of PostgreSQL and Redis, once the writes behind the answers have ended. */
async function counted(work: () => Promise<unknown>): Promise<{ statements: string[]; commands: string[] }> {
  postgres.clear();
  redisProxy.clear();
  await work();
  const statements = postgres.seen.filter((text) => !text.includes(SESSION_CHECK));
  return { statements, commands: redisProxy.seen.map(([name]) => name!) };
}

const PAGE = `{ products(first: ${PRODUCTS}) { nodes { id averageRating reviewCount rating { version count average distribution { stars count } } } } }`;

async function fill(): Promise<void> {
  const id = async () =>
    ((await database.pool.query('SELECT id FROM products ORDER BY created_at, id LIMIT 1')).rows[0] as { id: string })
      .id;
  dataOf(await query(app.origin, PAGE));
  await eventually('Redis is filled', async () => redis.exists(`product:${await id()}:ratingState`));
}

test('a page of 100 with ratings, warm: one statement and one MGET', async () => {
  await fill();
  const { statements, commands } = await counted(async () => {
    const { nodes } = dataOf(await query(app.origin, PAGE)).products;
    expect(nodes).toHaveLength(PRODUCTS);
    expect(nodes.every((node: { averageRating: number }) => node.averageRating === 4)).toBe(true);
  });
  expect(statements).toHaveLength(1);
  expect(commands).toEqual(['MGET']);
  expect(redisProxy.seen[0]).toHaveLength(1 + PRODUCTS);
});

test.each(['AVERAGE_RATING', 'WEIGHTED_RATING', 'REVIEW_COUNT'])(
  'the same page by %s, of rated products: one statement and one MGET',
  async (field) => {
    await fill();
    const operation = PAGE.replace('(', `(orderBy: { field: ${field} }, filter: { minRating: 1, minReviewCount: 0 }, `);
    await database.pool.query('SELECT persist_product_ratings((SELECT array_agg(id) FROM products), 3.5, 10, false)');
    const { statements, commands } = await counted(async () => {
      expect(dataOf(await query(app.origin, operation)).products.nodes).toHaveLength(PRODUCTS);
    });
    expect(statements).toHaveLength(1);
    expect(commands).toEqual(['MGET']);
  },
);

test('the same page, cold: one statement and one script more', async () => {
  await makeCold();
  const { statements } = await counted(async () => {
    dataOf(await query(app.origin, PAGE));
    await eventually('the script ran', () => redisProxy.seen.length >= 2);
  });
  expect(statements).toHaveLength(2);
  expect(statements[1]).toContain('rating_aggregates');
  expect(redisProxy.seen.map(([name]) => name!.replace('EVALSHA', 'EVAL'))).toEqual(['MGET', 'EVAL']);
});

test('no column is read that was not asked for, nor what cursors and pageInfo need', async () => {
  const columns = async (fields: string): Promise<string[]> => {
    const { statements } = await counted(async () =>
      dataOf(await query(app.origin, `{ products(first: 2) { ${fields} } }`)),
    );
    return statements.map((text) => /SELECT (.+?)\s+FROM (?:products|reviews)/s.exec(text)![1]!.replace(/\s+/g, ' '));
  };
  expect(await columns('nodes { name reviewCount }')).toEqual(['id, name']);
  expect(await columns('nodes { price { amount } version }')).toEqual(['id, price_amount, price_currency, version']);
  expect((await columns('edges { cursor }'))[0]).toMatch(/^id, to_char.* AS position$/);
  expect((await columns('pageInfo { hasNextPage }'))[0]).toContain('bounds.*');
  const [product, review] = await columns('nodes { reviews(first: 1) { nodes { rating } } }');
  expect([product, review]).toEqual(['id', expect.stringMatching(/SELECT id, rating, created_at$/)]);
});

test('totalCount costs its statement only when asked for', async () => {
  const without = await counted(() => query(app.origin, '{ products(first: 5) { nodes { id } } }'));
  expect(without.statements).toHaveLength(1);
  const withTotal = await counted(() => query(app.origin, '{ products(first: 5) { nodes { id } totalCount } }'));
  expect(withTotal.statements).toHaveLength(2);
  expect(withTotal.commands).toEqual([]);
});

test('however often a request asks for totalCount and the same page, each is one statement', async () => {
  const again = Array.from({ length: 30 }, (_, i) => `a${i}: products(first: 0) { totalCount }`).join(' ');
  const { statements } = await counted(async () => {
    const data = dataOf(await query(app.origin, `{ products(first: 0) { totalCount } ${again} }`));
    expect(Object.values(data)).toEqual(Array.from({ length: 31 }, () => ({ totalCount: PRODUCTS })));
  });
  expect(statements.filter((text) => text.includes('count(*)'))).toHaveLength(1);
  expect(statements).toHaveLength(2);
});

test('a nested list is one statement a level, and one MGET', async () => {
  await fill();
  const nested =
    '{ products(first: 20) { nodes { averageRating reviews(first: 3) { nodes { author { displayName } product { averageRating name } } totalCount } } } }';
  const { statements, commands } = await counted(async () => {
    const { nodes } = dataOf(await query(app.origin, nested)).products;
    expect(nodes).toHaveLength(20);
    expect(nodes[0].reviews).toMatchObject({ totalCount: 5, nodes: [{ product: { averageRating: 4 } }, {}, {}] });
    expect(nodes[19].reviews.nodes[2].author.displayName).toMatch(/^A\d$/);
  });
  // Products, their reviews, the authors; the reviews' products are known already, and the totals are the ratings' counts.
  expect(statements).toHaveLength(3);
  expect(commands).toEqual(['MGET']);
});

test('filters, orders and search cost no statement more; totals with a filter are one for all products', async () => {
  await fill();
  const search = `{ products(first: 20, filter: { search: "p1 or p2 or p3", currencyCode: "EUR", price: { gte: "1" } }, orderBy: { field: PRICE, direction: ASC }) {
    nodes { name averageRating } pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
  const searched = await counted(async () => {
    const { nodes } = dataOf(await query(app.origin, search)).products;
    expect((nodes as Array<{ name: string }>).map(({ name }) => name).sort()).toEqual(['p1', 'p2', 'p3']);
  });
  expect([searched.statements.length, searched.commands]).toEqual([1, ['MGET']]);

  const nested = (filter: string) =>
    `{ products(first: 20, orderBy: { field: NAME, direction: ASC }) { nodes { reviews(first: 3, filter: ${filter}, orderBy: { field: RATING }) { nodes { rating } totalCount } } } }`;
  for (const [filter, statements] of [
    // Their number is in the rating.
    ['{ ratings: [4, 5] }', 2],
    ['{ ratings: [4, 5], hasBody: false }', 3],
  ] as const) {
    const read = await counted(async () => {
      const { nodes } = dataOf(await query(app.origin, nested(filter))).products;
      expect(nodes).toHaveLength(20);
      expect(nodes[19].reviews).toEqual({ nodes: [{ rating: 4 }, { rating: 4 }, { rating: 4 }], totalCount: 5 });
    });
    expect([read.statements.length, read.commands]).toEqual([statements, statements === 2 ? ['MGET'] : []]);
  }
});

test("a review's product and its rating: one statement each", async () => {
  const { rows } = await database.pool.query('SELECT id FROM reviews LIMIT 3');
  const reviews = (rows as Array<{ id: string }>)
    .map(({ id }, i) => `r${i}: review(id: "${id}") { product { name averageRating } author { displayName } }`)
    .join(' ');
  const { statements, commands } = await counted(async () => dataOf(await query(app.origin, `{ ${reviews} }`)));
  expect(statements).toHaveLength(3);
  expect(commands).toEqual(['MGET']);
});

test('100 products by their ids or externalIds: one statement and one MGET', async () => {
  await database.pool.query(`UPDATE products SET external_id = name`);
  await fill();
  const { rows } = await database.pool.query<{ id: string; name: string }>('SELECT id, name FROM products');
  const asked = { ids: rows.map(({ id }) => id), names: rows.map(({ name }) => name) };
  for (const text of [
    'query ($ids: [ID!]!) { items: nodes(ids: $ids) { ... on Product { name averageRating } } }',
    'query ($names: [String!]!) { items: productsByExternalIds(externalIds: $names) { name averageRating } }',
  ]) {
    const { statements, commands } = await counted(async () => {
      const { items } = dataOf(await query(app.origin, text, asked));
      expect(items).toEqual(asked.names.map((name) => ({ name, averageRating: 4 })));
    });
    expect(statements).toHaveLength(1);
    expect(commands).toEqual(['MGET']);
    expect(statements[0]).not.toContain('description');
  }
});

test('nodes of all types, and what hangs on them: what is among them is not read again', async () => {
  const { rows } = await database.pool.query<{ id: string; product: string; author: string }>(
    'SELECT id, product_id AS product, author_id AS author FROM reviews LIMIT 1',
  );
  const [review] = rows as [(typeof rows)[number]];
  const text = `query ($ids: [ID!]!, $id: ID!) {
    node(id: $id) { id }
    nodes(ids: $ids) { ... on Product { reviewCount } ... on Review { product { name reviewCount } author { displayName } } } }`;
  const { statements, commands } = await counted(async () => {
    const answer = await query(app.origin, text, { ids: Object.values(review), id: review.id });
    expect(dataOf(answer).nodes[0]).toMatchObject({ product: { reviewCount: 5 } });
  });
  expect([statements.length, commands]).toEqual([1, ['MGET']]);
});

test('what others have added to reviews comes with these; whether the caller has voted is one statement a level', async () => {
  const list = (fields: string): string =>
    `{ products(first: 3) { nodes { reviews(first: 5, orderBy: { field: HELPFUL_COUNT }) { nodes { ${fields} } } } } }`;
  const annotations = 'helpfulCount verifiedPurchase reply { body repliedAt }';
  const without = await counted(async () => dataOf(await query(app.origin, list(annotations))));
  expect(without.statements).toHaveLength(2);
  const asked = list(`${annotations} viewerHasMarkedHelpful`);
  expect((await counted(async () => dataOf(await query(app.origin, asked)))).statements).toHaveLength(2);
  const token = await newUserToken();
  const withToken = await counted(async () => dataOf(await query(app.origin, asked, {}, { token })));
  expect(withToken.statements).toHaveLength(3);
  expect(withToken.commands).toEqual([]);
});

test('a vote with all that its payload shows is one statement', async () => {
  const { rows } = await database.pool.query('SELECT id FROM reviews LIMIT 1');
  const token = await newUserToken();
  const vote = `mutation ($id: ID!) { markReviewHelpful(input: { id: $id, helpful: true }) {
    review { rating helpfulCount reply { body } } userErrors { code } } }`;
  const { statements, commands } = await counted(async () => {
    const { review } = dataOf(
      await query(app.origin, vote, { id: (rows[0] as { id: string }).id }, { token }),
    ).markReviewHelpful;
    expect(review).toEqual({ rating: 4, helpfulCount: 1, reply: null });
  });
  expect(statements).toEqual([expect.stringContaining('mark_review_helpful')]);
  expect(commands).toEqual([]);
});

test('requests that miss the same products at the same time share one statement', async () => {
  const warm = await insertProduct(database.pool);
  await new RatingStore(redis, { ttlSeconds: 0 }).replace([
    { productId: warm, seq: 0, stars: [0, 0, 0, 0, 0], eventTag: NO_EVENT_TAG },
  ]);
  await makeCold(warm);
  // What the statement reads is locked, so that it lasts until all requests wait for it.
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE review_streams IN ACCESS EXCLUSIVE MODE');
  const { statements } = await counted(async () => {
    const answers = Array.from({ length: 6 }, () => query(app.origin, PAGE));
    // Those that ask in one turn of the event loop share an MGET.
    await eventually('all have asked Redis', () => {
      const asked = redisProxy.seen.filter(([name]) => name === 'MGET').map((command) => command.length - 1);
      return asked.reduce((sum, keys) => sum + keys, 0) === 6 * PRODUCTS;
    });
    // Redis answers in order: once this hit is here, the misses before it are known to their requests.
    const hit = await query(app.origin, `{ product(id: "${warm}") { reviewCount } }`);
    expect(dataOf(hit).product.reviewCount).toBe(0);
    await client.query('COMMIT');
    client.release();
    for (const answer of await Promise.all(answers)) {
      expect(dataOf(answer).products.nodes.at(-1).averageRating).toBe(4);
    }
  });
  expect(statements.filter((text) => text.includes('rating_aggregates'))).toHaveLength(1);
  // Six pages, the product of the hit, and the shared one.
  expect(statements).toHaveLength(8);
  await database.pool.query('DELETE FROM products WHERE id = $1', [warm]);
});

test('a mutation with an idempotency key is one statement, the first time and again', async () => {
  const [id, token] = [await insertProduct(database.pool), await newUserToken()];
  for (let time = 1; time <= 2; time += 1) {
    const { statements, commands } = await counted(async () => {
      const create = `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }, idempotencyKey: "key") { review { rating } product { reviewCount } userErrors { code } } }`;
      const { createReview } = dataOf(await query(app.origin, create, { id }, { token }));
      expect(createReview).toEqual({ review: { rating: 4 }, product: { reviewCount: 1 }, userErrors: [] });
    });
    expect([statements.length, commands]).toEqual([1, []]);
  }
  await database.pool.query('DELETE FROM products WHERE id = $1', [id]);
});

test('a mutation is one statement, whatever its answer shows', async () => {
  const { rows } = await database.pool.query('SELECT id FROM products LIMIT 1');
  const { id } = rows[0] as { id: string };
  const create = (fields: string, token: string) =>
    query(
      app.origin,
      `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { ${fields} } }`,
      { id },
      { token },
    );
  const SHOWN = 'product { name averageRating reviewCount } review { id rating author { displayName } }';
  for (const fields of ['ratingVersion', SHOWN, `... on CreateReviewPayload { renamed: ratingVersion ${SHOWN} }`]) {
    const token = await newUserToken();
    const { statements, commands } = await counted(async () => dataOf(await create(fields, token)));
    expect([statements.length, commands]).toEqual([1, []]);
  }
});
