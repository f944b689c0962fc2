import { dataOf, query, type Answer } from '../testing/graphql.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';

let database: TestDatabase;
let app: TestApp;
let author: string;
let stranger: string;
let product: string;
let review: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});
beforeEach(async () => {
  [author, stranger, product] = await Promise.all([
    newUserToken('Ada'),
    newUserToken('Eve'),
    insertProduct(database.pool),
  ]);
  const created = await query(
    app.origin,
    'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id status } } }',
    { id: product },
    { token: author },
  );
  expect(dataOf(created).createReview.review.status).toBe('PUBLISHED');
  review = dataOf(created).createReview.review.id;
});

const hide = (status: string): Promise<unknown> =>
  database.pool.query('UPDATE reviews SET status = $2 WHERE id = $1', [review, status]);

const update = (token: string): Promise<Answer> =>
  query(
    app.origin,
    `mutation ($id: ID!) { updateReview(input: { id: $id, title: "Better" }) {
       review { id title status } product { reviewCount } userErrors { code field } } }`,
    { id: review },
    { token },
  );
const remove = (token: string, id = review): Promise<Answer> =>
  query(
    app.origin,
    'mutation ($id: ID!) { deleteReview(input: { id: $id }) { deletedReviewId userErrors { code field } } }',
    { id },
    { token },
  );
const NOT_FOUND = [{ code: 'NOT_FOUND', field: ['input', 'id'] }];

test.each(['PENDING', 'REJECTED'])(
  'the author of a %s review gets it from a mutation, reads it, and no stranger does',
  async (status) => {
    await hide(status);
    expect(dataOf(await update(author)).updateReview).toEqual({
      review: { id: review, title: 'Better', status },
      product: { reviewCount: 0 },
      userErrors: [],
    });
    // Once more: nothing is changed, and the answer is the same.
    expect(dataOf(await update(author)).updateReview).toMatchObject({ review: { id: review, status }, userErrors: [] });
    const read = async (token?: string) =>
      dataOf(await query(app.origin, 'query ($id: ID!) { review(id: $id) { status } }', { id: review }, { token }));
    for (const token of [author, await adminToken()]) expect(await read(token)).toEqual({ review: { status } });
    for (const token of [stranger, undefined]) expect(await read(token)).toEqual({ review: null });
    expect(dataOf(await remove(author)).deleteReview).toEqual({ deletedReviewId: review, userErrors: [] });
  },
);

test.each(['PENDING', 'REJECTED'])('for others a %s review does not exist', async (status) => {
  await hide(status);
  expect(dataOf(await update(stranger)).updateReview).toMatchObject({ review: null, userErrors: NOT_FOUND });
  expect(dataOf(await remove(stranger)).deleteReview).toEqual({ deletedReviewId: null, userErrors: NOT_FOUND });
  const { rows } = await database.pool.query('SELECT title, status FROM reviews WHERE id = $1', [review]);
  expect(rows).toEqual([{ title: null, status }]);
});

test('a published review of someone else is FORBIDDEN', async () => {
  for (const answer of [await update(stranger), await remove(stranger)]) {
    expect(answer.errors[0]!.extensions.code).toBe('FORBIDDEN');
  }
});

test('an admin deletes any review', async () => {
  await hide('REJECTED');
  expect(dataOf(await remove(await adminToken())).deleteReview.deletedReviewId).toBe(review);
  const anonymous = await insertReview(database.pool, product, 3, { status: 'PENDING' });
  expect(dataOf(await remove(stranger, anonymous)).deleteReview.userErrors).toEqual(NOT_FOUND);
});
