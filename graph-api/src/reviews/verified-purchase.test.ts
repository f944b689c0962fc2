import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { signToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

/** What a token says that its owner has bought, and what becomes of it in their reviews. */

let database: TestDatabase;
let app: TestApp;
let product: string;
const EXTERNAL_ID = 'SKU-é';

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  product = newId();
  await database.pool.query(
    `INSERT INTO products (id, external_id, name, price_amount, price_currency) VALUES ($1, $2, 'Lamp', 1, 'EUR'), ($3, NULL, 'Desk', 1, 'EUR')`,
    [product, EXTERNAL_ID, newId()],
  );
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

/** `verifiedPurchase` of a new review by somebody with these claims. */
async function verified(claims: object, origin = app.origin, name?: string): Promise<boolean> {
  const token = await signToken({ sub: newId(), ...(name === undefined ? {} : { name }), ...claims });
  const text = `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id verifiedPurchase } userErrors { code } } }`;
  const { review, userErrors } = dataOf(await query(origin, text, { id: product }, { token })).createReview;
  expect(userErrors).toEqual([]);
  const { rows } = await database.pool.query('SELECT verified_purchase FROM reviews WHERE id = $1', [review.id]);
  expect(rows).toEqual([{ verified_purchase: review.verifiedPurchase }]);
  return review.verifiedPurchase as boolean;
}

test.each<[string, (id: string) => unknown]>([
  ['everything', () => true],
  ['the product by its id', (id) => [newId(), id]],
  ['the product by its id in capitals', (id) => [id.toUpperCase()]],
  ['the product by its externalId', () => ['OTHER', EXTERNAL_ID]],
  ['the product by its externalId, decomposed and with blanks', () => [` ${EXTERNAL_ID.normalize('NFD')} `]],
  ['the product beside what can be none', (id) => ['\u0000', '', id]],
])('a purchase: %s', async (_what, claim) => {
  expect(await verified({ verified_purchases: claim(product) })).toBe(true);
});

test.each<[string, (id: string) => unknown]>([
  ['no claim', () => undefined],
  ['false', () => false],
  ['null', () => null],
  ['nothing', () => []],
  ['other products', () => [newId(), 'SKU']],
  ['the externalId in another case', () => [EXTERNAL_ID.toLowerCase()]],
  ['the word true', () => 'true'],
  ['the number 1', () => 1],
  ['an id that is in no list', (id) => id],
  ['an object', (id) => ({ [id]: true })],
  ['a list that holds more than texts', (id) => [id, 4711]],
  ['a list in a list', (id) => [[id]]],
  ['true in a list', () => [true]],
])('no purchase: %s', async (_what, claim) => {
  expect(await verified({ verified_purchases: claim(product) })).toBe(false);
});

test('the claim has the name that is configured, also a nested one, and no other counts', async () => {
  const other = await startTestApp({ ...database.env, JWT_PURCHASES_CLAIM: 'shop.bought' });
  try {
    expect(await verified({ shop: { bought: [product] } }, other.origin)).toBe(true);
    expect(await verified({ 'shop.bought': true }, other.origin)).toBe(true);
    expect(await verified({ verified_purchases: true }, other.origin)).toBe(false);
  } finally {
    await other.stop();
  }
});

test('what others in the same transaction have bought is theirs', async () => {
  const claims = [{ verified_purchases: true }, {}, { verified_purchases: [product] }, { verified_purchases: ['x'] }];
  const many = Array.from({ length: 40 }, (_, i) => claims[i % claims.length]!);
  expect(await Promise.all(many.map((one) => verified(one)))).toEqual(many.map((_, i) => i % 2 === 0));
});

test('an input has no say, and an edit with another token changes nothing', async () => {
  const sub = newId();
  const token = await signToken({ sub });
  const forged = await query(
    app.origin,
    'mutation ($input: CreateReviewInput!) { createReview(input: $input) { review { id } } }',
    { input: { productId: product, rating: 4, verifiedPurchase: true } },
    { token },
  );
  expect(forged.errors[0]!.extensions.code).toBe('BAD_USER_INPUT');
  const text = 'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id } } }';
  const { id } = dataOf(await query(app.origin, text, { id: product }, { token })).createReview.review;
  const edited = await query(
    app.origin,
    'mutation ($id: ID!) { updateReview(input: { id: $id, rating: 5 }) { review { rating verifiedPurchase } } }',
    { id },
    { token: await signToken({ sub, verified_purchases: true }) },
  );
  expect(dataOf(edited).updateReview.review).toEqual({ rating: 5, verifiedPurchase: false });
});
