import { insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken, signToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

/** What admins add to a review: the merchant's reply, and whether its author bought the product. */

let database: TestDatabase;
let app: TestApp;
let admin: string;
let product: string;
let review: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  admin = await signToken({ sub: 'admin', name: 'Cara', roles: ['admin'] });
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});
beforeEach(async () => {
  product = await insertProduct(database.pool);
  review = await insertReview(database.pool, product, 4);
});

const FIELDS = 'review { id version updatedAt verifiedPurchase reply { body repliedAt } }';
const send = (operation: 'replyToReview' | 'setVerifiedPurchase', input: object, token?: string): Promise<Answer> => {
  const type = `${operation[0]!.toUpperCase()}${operation.slice(1)}Input`;
  const text = `mutation ($input: ${type}!) { ${operation}(input: $input) { ${FIELDS} userErrors { code field message } } }`;
  return query(app.origin, text, { input }, { token });
};
const reply = async (input: object) => dataOf(await send('replyToReview', input, admin)).replyToReview;
const setPurchase = async (input: object) =>
  dataOf(await send('setVerifiedPurchase', input, admin)).setVerifiedPurchase;

const read = async (fields: string, token?: string): Promise<Answer> =>
  query(app.origin, `query ($id: ID!) { review(id: $id) { ${fields} } }`, { id: review }, { token });
const unchanged = async (): Promise<void> => {
  const { verifiedPurchase, reply } = dataOf(await read('verifiedPurchase reply { body }')).review;
  expect({ verifiedPurchase, reply }).toEqual({ verifiedPurchase: false, reply: null });
};

test('a reply is written, replaced and taken back; everyone reads it, and admins whose it is', async () => {
  const { version, updatedAt } = dataOf(await read('version updatedAt')).review;
  const first = await reply({ id: review, body: 'Thank you.\nCome again.' });
  expect(first).toEqual({
    review: {
      id: review,
      ...{ version, updatedAt, verifiedPurchase: false },
      reply: { body: 'Thank you.\nCome again.', repliedAt: expect.any(String) as string },
    },
    userErrors: [],
  });
  expect(dataOf(await read('reply { body repliedAt }')).review.reply).toEqual(first.review.reply);
  expect(dataOf(await read('reply { author { displayName } }', admin)).review.reply).toEqual({
    author: { displayName: 'Cara' },
  });
  for (const token of [undefined, await newUserToken()]) {
    const { data, errors } = await read('reply { author { displayName } }', token);
    expect([data, errors[0]!.extensions.code]).toEqual([null, token === undefined ? 'UNAUTHENTICATED' : 'FORBIDDEN']);
  }

  expect((await reply({ id: review, body: 'Thank you.\nCome again.' })).review.reply).toEqual(first.review.reply);
  const second = (await reply({ id: review, body: 'Sorry.' })).review.reply;
  expect(second.body).toBe('Sorry.');
  expect(Date.parse(second.repliedAt)).toBeGreaterThan(Date.parse(first.review.reply.repliedAt));
  expect((await reply({ id: review, body: null })).review.reply).toBeNull();
  expect((await reply({ id: review, body: null })).userErrors).toEqual([]);
});

test('a purchase is verified, and is not', async () => {
  expect(await setPurchase({ id: review, verifiedPurchase: true })).toMatchObject({
    review: { id: review, version: 1, verifiedPurchase: true },
    userErrors: [],
  });
  expect(dataOf(await read('verifiedPurchase')).review).toEqual({ verifiedPurchase: true });
  expect((await setPurchase({ id: review, verifiedPurchase: true })).userErrors).toEqual([]);
  expect((await setPurchase({ id: review, verifiedPurchase: false })).review).toMatchObject({
    verifiedPurchase: false,
  });
});

test('neither is a rating event: no number, no outbox row, and the locked stream is not waited for', async () => {
  const before = [await outboxEvents(database.pool, product), await snapshot(database.pool, product)];
  const holder = await database.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM products WHERE id = $1 FOR UPDATE', [product]);
    await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [product]);
    expect((await reply({ id: review, body: 'Thanks.' })).userErrors).toEqual([]);
    expect((await setPurchase({ id: review, verifiedPurchase: true })).userErrors).toEqual([]);
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
  expect([await outboxEvents(database.pool, product), await snapshot(database.pool, product)]).toEqual(before);
});

describe('refused, with nothing stored', () => {
  test.each([
    ['blank', { body: ' \n ' }, 'BLANK'],
    ['of 10,001 characters', { body: 'x'.repeat(10_001) }, 'TOO_LONG'],
    ['absent', {}, 'INVALID'],
  ])('a reply that is %s', async (_what, input, code) => {
    expect(await reply({ id: review, ...input })).toMatchObject({
      review: null,
      userErrors: [{ code, field: ['input', 'body'] }],
    });
    await unchanged();
  });

  test('what is about no review', async () => {
    for (const payload of [
      await reply({ id: newId(), body: 'Hello' }),
      await setPurchase({ id: newId(), verifiedPurchase: true }),
    ]) {
      expect(payload).toMatchObject({ review: null, userErrors: [{ code: 'NOT_FOUND', field: ['input', 'id'] }] });
    }
    expect((await send('replyToReview', { id: 'x', body: null }, admin)).errors[0]!.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'input.id',
    });
  });

  test('what comes from others than admins', async () => {
    const user = await newUserToken();
    for (const [token, code] of [
      [undefined, 'UNAUTHENTICATED'],
      [user, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await send('replyToReview', { id: review, body: 'I am the shop.' }, token),
        await send('setVerifiedPurchase', { id: review, verifiedPurchase: true }, token),
      ]) {
        expect([answer.data, answer.errors[0]!.extensions.code]).toEqual([null, code]);
      }
    }
    await unchanged();
  });

  test('a reply of 10,000 characters is none of these', async () => {
    const body = '🎈'.repeat(10_000);
    expect((await reply({ id: review, body })).review.reply).toMatchObject({ body });
  });
});
