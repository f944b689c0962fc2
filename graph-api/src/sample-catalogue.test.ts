import { writeSampleCatalogue } from '@exact-ratings/stack/commands/sample-catalogue.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { dataOf, query } from './testing/graphql.js';
import { startTestApp, type TestApp } from './testing/test-app.js';

const DAY_MS = 86_400_000;

interface ReviewNode {
  readonly rating: number;
  readonly title: string | null;
  readonly body: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
  readonly author: { readonly displayName: string | null } | null;
  readonly verifiedPurchase: boolean;
  readonly helpfulCount: number;
  readonly reply: { readonly body: string; readonly repliedAt: string } | null;
}

interface ProductNode {
  readonly name: string;
  readonly description: string | null;
  readonly price: { readonly amount: string; readonly currencyCode: string };
  readonly averageRating: number | null;
  readonly reviewCount: number;
  readonly createdAt: string;
  readonly reviews: { readonly nodes: readonly ReviewNode[]; readonly pageInfo: { readonly hasNextPage: boolean } };
}

let database: TestDatabase;
let app: TestApp;
let products: readonly ProductNode[];
let reviews: readonly ReviewNode[];
const lines: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await writeSampleCatalogue(database.env, (line) => lines.push(line));
  app = await startTestApp(database.env);
  const list = await query(app.origin, '{ products(first: 100) { nodes { id } } }');
  const page = `query ($id: ID!) { product(id: $id) {
    name description price { amount currencyCode } averageRating reviewCount createdAt
    reviews(first: 100) { nodes { rating title body createdAt updatedAt version author { displayName }
      verifiedPurchase helpfulCount reply { body repliedAt } } pageInfo { hasNextPage } } } }`;
  products = await Promise.all(
    dataOf(list).products.nodes.map(
      async ({ id }: { id: string }) => dataOf(await query(app.origin, page, { id })).product,
    ),
  );
  reviews = products.flatMap((product) => product.reviews.nodes);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** What a frontend has to have seen before its users do. */
test.each<[string, () => boolean]>([
  ['a product without reviews', () => products.some((p) => p.reviewCount === 0 && p.averageRating === null)],
  ['a product with 300 reviews', () => products.some((p) => p.reviewCount === 300 && p.reviews.pageInfo.hasNextPage)],
  ['products without a description', () => products.some((p) => p.description === null)],
  ['a description of paragraphs', () => products.some((p) => /\n\n/.test(p.description ?? ''))],
  ['markup in a text', () => products.some((p) => /[<&"]/.test(p.description ?? ''))],
  ['a name that is cut off', () => products.some((p) => p.name.length > 180)],
  ['a name from right to left', () => products.some((p) => /\p{Script=Arabic}/u.test(p.name))],
  ['currencies of 0, 2 and 3 decimals', () => ['JPY', 'EUR', 'KWD'].every((c) => currencies().has(c))],
  ['a price of nothing', () => products.some((p) => Number(p.price.amount) === 0)],
  ['titles, and none', () => reviews.some((r) => r.title !== null) && reviews.some((r) => r.title === null)],
  ['ratings without words', () => reviews.some((r) => r.body === null && r.title === null)],
  ['a long body', () => reviews.some((r) => (r.body ?? '').length > 3_000)],
  ['edited reviews', () => reviews.some((r) => r.version > 1 && r.updatedAt > r.createdAt)],
  ['reviews whose author was erased', () => reviews.some((r) => r.author === null)],
  ['authors without a name', () => reviews.some((r) => r.author?.displayName === null)],
  ['verified purchases, and others', () => new Set(reviews.map((r) => r.verifiedPurchase)).size === 2],
  ['replies, and none', () => reviews.some((r) => r.reply !== null) && reviews.some((r) => r.reply === null)],
  ['helpful reviews, and a very helpful one', () => reviews.some((r) => r.helpfulCount === 97)],
  ['reviews without a vote', () => reviews.some((r) => r.helpfulCount === 0)],
  ['every number of stars', () => new Set(reviews.map((r) => r.rating)).size === 5],
])('has %s', (_what, isThere) => {
  expect(isThere()).toBe(true);
});

function currencies(): Set<string> {
  return new Set(products.map(({ price }) => price.currencyCode));
}

test('its dates lie within two years, none in the future, no review before its product', () => {
  const created = products.map(({ createdAt }) => Date.parse(createdAt));
  expect(Math.max(...created) - Math.min(...created)).toBeGreaterThan(600 * DAY_MS);
  const now = new Date().toISOString();
  for (const product of products) {
    for (const { createdAt, updatedAt, reply } of product.reviews.nodes) {
      for (const later of [updatedAt, reply?.repliedAt ?? createdAt]) {
        const times = [product.createdAt, createdAt, later, now];
        expect(times).toEqual([...times].sort());
      }
    }
  }
});

test('has reviews in every state, of which the published ones count, and each made its event', async () => {
  const { rows } = await database.pool.query(
    `SELECT (SELECT count(DISTINCT status)::integer FROM reviews) AS statuses,
            (SELECT count(*)::integer FROM reviews WHERE status = 'PUBLISHED') AS counted,
            (SELECT count(*) FROM reviews) = (SELECT count(*) FROM outbox) AS "allCaptured"`,
  );
  const counted = products.reduce((sum, { reviewCount }) => sum + reviewCount, 0);
  expect(rows).toEqual([{ statuses: 3, counted, allCaptured: true }]);
});

test('begins with the products that the README shows', () => {
  expect(products.slice(0, 3).map((p) => [p.name, p.averageRating, p.reviewCount])).toEqual([
    ['Whistling kettle', 1.1875, 16],
    ['Marble mortar', 3.6666666666666665, 9],
    ['Carbon-steel wok', 4.555555555555555, 18],
  ]);
});

test('leaves a database that holds products alone', async () => {
  await writeSampleCatalogue(database.env, (line) => lines.push(line));
  expect(lines.map((line) => line.replace(/\s+/g, ' ').replace(/ \(.*/, ''))).toEqual([
    expect.stringMatching(/^Catalogue \d+ reviews of 35 products written$/),
    'Catalogue is there already',
  ]);
});
