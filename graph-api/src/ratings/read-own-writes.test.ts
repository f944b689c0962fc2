import { NO_EVENT_TAG } from '@exact-ratings/shared/events/event-tag.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import { insertProduct, insertProducts, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import type { Redis } from 'ioredis';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { startPostgresProxy, startRedisProxy, type WireProxy } from '../testing/wire-proxy.js';

let database: TestDatabase;
let postgres: WireProxy<string>;
let redisProxy: WireProxy<string[]>;
let redis: Redis;
let store: RatingStore;
let app: TestApp;
let product: string;
let ada: string;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  redisProxy = await startRedisProxy(Number(database.env['REDIS_PORT']));
  redis = connectRedis();
  store = new RatingStore(redis, { ttlSeconds: 0 });
  app = await startTestApp({
    ...database.env,
    DATABASE_PORT: String(postgres.port),
    REDIS_PORT: String(redisProxy.port),
    REDIS_COMMAND_TIMEOUT_MS: '10000',
  });
  await eventually('Redis is connected', async () => {
    await query(app.origin, '{ products(first: 1) { nodes { reviewCount } } }');
    const known = await insertProduct(database.pool);
    await query(app.origin, 'query ($id: ID!) { product(id: $id) { reviewCount } }', { id: known });
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
/** A product with two reviews (5 and 2 stars), which Redis holds; nothing that follows reaches Redis by itself. */
beforeEach(async () => {
  product = await insertProduct(database.pool);
  await database.pool.query('UPDATE products SET external_id = id::text WHERE id = $1', [product]);
  await insertReview(database.pool, product, 5);
  await insertReview(database.pool, product, 2);
  await store.replace([{ productId: product, seq: 2, stars: [0, 1, 0, 0, 1], eventTag: NO_EVENT_TAG }]);
  ada = await newUserToken('Ada');
});

/** The review, the product's `ratingVersion`, and the count of reviews that the answer shows. */
async function createReview(token: string): Promise<{ id: string; version: number; shown: number }> {
  const text = `mutation ($id: ID!) {
    createReview(input: { productId: $id, rating: 5 }) { review { id } ratingVersion product { reviewCount } }
  }`;
  const created = dataOf(await query(app.origin, text, { id: product }, { token })).createReview;
  return { id: created.review.id, version: created.ratingVersion, shown: created.product.reviewCount };
}

const RATING = 'averageRating reviewCount rating { count version distribution { stars count } }';
const WRITTEN = {
  averageRating: 4,
  reviewCount: 3,
  rating: {
    count: 3,
    version: 3,
    distribution: [5, 4, 3, 2, 1].map((stars) => ({ stars, count: stars === 5 ? 2 : stars === 2 ? 1 : 0 })),
  },
};

/** Ways to a product, and where it stands in the answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const WAYS: ReadonlyArray<[name: string, text: string, find: (data: any) => unknown]> = [
  ['the list', `{ products(first: 1) { nodes { ${RATING} } } }`, (data) => data.products.nodes[0]],
  ['its id', `query ($p: ID!) { product(id: $p) { ${RATING} } }`, (data) => data.product],
  [
    'its externalId',
    `query ($e: String!) { productByExternalId(externalId: $e) { ${RATING} } }`,
    (data) => data.productByExternalId,
  ],
  [
    'a list of externalIds',
    `query ($e: String!) { productsByExternalIds(externalIds: ["none", $e]) { ${RATING} } }`,
    (data) => data.productsByExternalIds[1],
  ],
  ['a node', `query ($p: ID!) { node(id: $p) { ... on Product { ${RATING} } } }`, (data) => data.node],
  [
    'nodes',
    `query ($p: ID!, $r: ID!) { nodes(ids: [$r, $p]) { ... on Product { ${RATING} } } }`,
    (data) => data.nodes[1],
  ],
  [
    'the viewer’s reviews',
    `{ viewer { reviews(first: 1) { nodes { product { ${RATING} } } } } }`,
    (data) => data.viewer.reviews.nodes[0].product,
  ],
  [
    'its own review',
    `query ($p: ID!) { product(id: $p) { viewerReview { product { ${RATING} } } } }`,
    (data) => data.product.viewerReview.product,
  ],
  ['its review', `query ($r: ID!) { review(id: $r) { product { ${RATING} } } }`, (data) => data.review.product],
  [
    'a review of its list',
    `query ($p: ID!) { product(id: $p) { reviews(first: 1) { nodes { product { ${RATING} } } } } }`,
    (data) => data.product.reviews.nodes[0].product,
  ],
];

describe.each(WAYS)('read again by %s', (_name, text, find) => {
  test('at once after the mutation: with the change, twice, all fields of one version', async () => {
    const { id } = await createReview(ada);
    const read = async () =>
      find(dataOf(await query(app.origin, text, { p: product, e: product, r: id }, { token: ada })));
    expect([await read(), await read()]).toEqual([WRITTEN, WRITTEN]);
  });
});

const READ = 'query ($p: ID!) { product(id: $p) { reviewCount reviews(first: 0) { totalCount } } }';
const read = async (token?: string) => dataOf(await query(app.origin, READ, { p: product }, { token })).product;
const both = (count: number) => ({ reviewCount: count, reviews: { totalCount: count } });

test('every kind of write is read by its writer: create, update, delete, a moderator’s decision', async () => {
  const behind = async (seq: number): Promise<void> => {
    await redis.del(`product:${product}:ratingState`);
    await store.replace([{ productId: product, seq, stars: [9, 0, 0, 0, 0], eventTag: NO_EVENT_TAG }]);
  };
  const average = async (token: string) =>
    dataOf(await query(app.origin, 'query ($p: ID!) { product(id: $p) { averageRating } }', { p: product }, { token }))
      .product.averageRating as number;
  const write = async (token: string, mutation: string): Promise<void> =>
    void dataOf(await query(app.origin, `mutation { ${mutation} { ratingVersion } }`, {}, { token }));

  const { id } = await createReview(ada);
  await behind(2);
  expect(await average(ada)).toBe(4);
  await write(ada, `updateReview(input: { id: "${id}", rating: 2 })`);
  await behind(3);
  expect(await average(ada)).toBe(3);
  const admin = await adminToken();
  await write(admin, `moderateReview(input: { id: "${id}", status: REJECTED, reason: "No." })`);
  await behind(4);
  expect(await average(admin)).toBe(3.5);
  await write(admin, `moderateReview(input: { id: "${id}", status: PUBLISHED })`);
  await behind(5);
  expect(await average(admin)).toBe(3);
  await write(ada, `deleteReview(input: { id: "${id}" })`);
  await behind(6);
  expect(await average(ada)).toBe(3.5);
});

test('somebody else, and nobody, read what Redis has, at the cost of any read', async () => {
  await createReview(ada);
  for (const token of [await newUserToken('Bob'), undefined]) {
    postgres.clear();
    redisProxy.clear();
    expect(await read(token)).toEqual(both(2));
    // The product and its list.
    expect(postgres.seen.filter((text) => !text.includes('prepare_session'))).toHaveLength(2);
    expect(redisProxy.seen.map(([name]) => name)).toEqual(['MGET']);
  }
});

test('of a list with several own writes and several misses, PostgreSQL answers all in one statement', async () => {
  const others = await insertProducts(database.pool, 20);
  await store.replace(
    others.slice(0, 10).map((productId) => ({ productId, seq: 0, stars: [0, 0, 0, 0, 0], eventTag: NO_EVENT_TAG })),
  );
  const create = 'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { ratingVersion } }';
  const written = others.slice(0, 5);
  for (const id of written) dataOf(await query(app.origin, create, { id }, { token: ada }));
  postgres.clear();
  redisProxy.clear();
  const { nodes } = dataOf(
    await query(app.origin, '{ products(first: 20) { nodes { id reviewCount } } }', {}, { token: ada }),
  ).products as { nodes: Array<{ id: string; reviewCount: number }> };
  expect(
    nodes
      .filter(({ reviewCount }) => reviewCount === 1)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(written.toSorted());
  const statements = postgres.seen.filter((text) => !text.includes('prepare_session'));
  expect(statements).toEqual([expect.stringContaining('FROM products'), expect.stringContaining('rating_aggregates')]);
  expect(redisProxy.seen.filter(([name]) => name === 'MGET')).toHaveLength(1);
});

test('once Redis holds the write, no statement more', async () => {
  await createReview(ada);
  await store.replace([{ productId: product, seq: 3, stars: [0, 1, 0, 0, 2], eventTag: NO_EVENT_TAG }]);
  postgres.clear();
  expect(await read(ada)).toEqual(both(3));
  expect(postgres.seen.filter((text) => text.includes('rating_aggregates'))).toEqual([]);
});

test('never less than the mutation’s own answer showed, where others wrote in the same transaction', async () => {
  // Creations gather while the product's stream is locked.
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [product]);
  const tokens = await Promise.all(Array.from({ length: 4 }, () => newUserToken()));
  const creations = tokens.map((token) => createReview(token));
  await eventually('they wait', () => postgres.seen.filter((text) => text.includes('create_reviews')).length >= 2);
  await client.query('COMMIT');
  client.release();
  const answers = await Promise.all(creations);
  // Whose answer showed changes that came after their own; the last one of a transaction saw no others.
  const early = answers.findIndex(({ version, shown }) => shown > version);
  expect(early).toBeGreaterThanOrEqual(0);
  const { version, shown } = answers[early]!;
  await store.replace([{ productId: product, seq: version, stars: [0, 1, 0, 0, version - 1], eventTag: NO_EVENT_TAG }]);
  expect((await read(tokens[early])).reviewCount).toBeGreaterThanOrEqual(shown);
});
