import { changes, insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken, signToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

let database: TestDatabase;
/** With REVIEW_MODERATION=on. */
let app: TestApp;
let author: string;
let admin: string;
let product: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp({ ...database.env, REVIEW_MODERATION: 'on' });
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});
beforeEach(async () => {
  [author, admin, product] = await Promise.all([newUserToken('Ada'), adminToken(), insertProduct(database.pool)]);
});

const PAYLOAD = `review { id status moderationReason version createdAt updatedAt author { displayName } }
  product { averageRating reviewCount } ratingVersion userErrors { code field message }`;

const send = (operation: string, input: object, token: string | undefined): Promise<Answer> => {
  const type = `${operation[0]!.toUpperCase()}${operation.slice(1)}Input`;
  const text = `mutation ($input: ${type}!) { ${operation}(input: $input) { ${PAYLOAD} } }`;
  return query(app.origin, text, { input }, { token });
};
const create = async (input: object = {}) =>
  dataOf(await send('createReview', { productId: product, rating: 4, ...input }, author)).createReview;
const update = async (input: object) => dataOf(await send('updateReview', input, author)).updateReview;
const moderate = async (input: object, token = admin) =>
  dataOf(await send('moderateReview', input, token)).moderateReview;

const DECISIONS = 'decisions { from to reason decidedAt moderator { displayName } }';
const read = async (id: string, fields: string, token?: string) =>
  dataOf(await query(app.origin, `query ($id: ID!) { review(id: $id) { ${fields} } }`, { id }, { token })).review;
const decisions = async (id: string) => ((await read(id, DECISIONS, admin)) as { decisions: object[] }).decisions;

describe('a new review', () => {
  test('waits: its author sees it with its status, nobody else does, and it does not count', async () => {
    const created = await create();
    expect(created).toMatchObject({
      review: { status: 'PENDING', moderationReason: null },
      product: { averageRating: null, reviewCount: 0 },
      ratingVersion: 1,
      userErrors: [],
    });
    const { id } = created.review;
    expect(await read(id, 'status', author)).toEqual({ status: 'PENDING' });
    for (const token of [undefined, await newUserToken()]) expect(await read(id, 'status', token)).toBeNull();
    const listed = await query(
      app.origin,
      'query ($id: ID!) { product(id: $id) { reviewCount reviews { totalCount nodes { id } } } }',
      { id: product },
      { token: author },
    );
    expect(dataOf(listed).product).toEqual({ reviewCount: 0, reviews: { totalCount: 0, nodes: [] } });
    expect(changes(await outboxEvents(database.pool, product))).toEqual([[1, 'review-created', null, null]]);
  });

  test('is published: it counts, and everyone sees it', async () => {
    const { review } = await create({ rating: 5 });
    const published = await moderate({ id: review.id, status: 'PUBLISHED' });
    expect(published).toMatchObject({
      review: { id: review.id, status: 'PUBLISHED', moderationReason: null, author: { displayName: 'Ada' } },
      product: { averageRating: 5, reviewCount: 1 },
      ratingVersion: 2,
      userErrors: [],
    });
    expect(await read(review.id, 'status')).toEqual({ status: 'PUBLISHED' });
    expect(changes(await outboxEvents(database.pool, product)).at(-1)).toEqual([2, 'review-updated', null, 5]);
    expect(await snapshot(database.pool, product)).toEqual({ seq: 2, stars: [0, 0, 0, 0, 1] });
  });

  test('is rejected: its author reads why, and it does not count', async () => {
    const { review } = await create();
    expect(await moderate({ id: review.id, status: 'REJECTED', reason: 'No advertising.' })).toMatchObject({
      review: { status: 'REJECTED' },
      product: { averageRating: null, reviewCount: 0 },
      ratingVersion: 2,
    });
    expect(await read(review.id, 'moderationReason', author)).toEqual({ moderationReason: 'No advertising.' });
    expect(await read(review.id, 'moderationReason', await newUserToken())).toBeNull();
  });
});

test('an edited review waits again, and leaves the rating until it is published', async () => {
  const { review } = await create({ rating: 5 });
  await moderate({ id: review.id, status: 'PUBLISHED' });
  expect(await update({ id: review.id, rating: 1 })).toMatchObject({
    review: { status: 'PENDING', version: 2 },
    product: { averageRating: null, reviewCount: 0 },
  });
  await moderate({ id: review.id, status: 'REJECTED', reason: 'Rude.' });
  expect((await update({ id: review.id, body: 'Polite.' })).review).toMatchObject({
    status: 'PENDING',
    moderationReason: null,
  });
  // What changes nothing waits for nothing.
  await moderate({ id: review.id, status: 'PUBLISHED' });
  expect((await update({ id: review.id, body: 'Polite.' })).review).toMatchObject({ status: 'PUBLISHED' });
  expect(changes(await outboxEvents(database.pool, product))).toEqual([
    [1, 'review-created', null, null],
    [2, 'review-updated', null, 5],
    [3, 'review-updated', 5, null],
    [4, 'review-updated', null, null],
    [5, 'review-updated', null, null],
    [6, 'review-updated', null, 1],
  ]);
});

test('back and forth: each decision changes the rating and is recorded', async () => {
  const { review } = await create({ rating: 3 });
  const steps = [
    { status: 'PUBLISHED', reason: 'Fine.' },
    { status: 'REJECTED', reason: 'A complaint came.' },
    { status: 'PUBLISHED', reason: null },
  ];
  for (const [i, step] of steps.entries()) {
    const { product: shown, ratingVersion } = await moderate({ id: review.id, ...step });
    expect([shown.reviewCount, ratingVersion]).toEqual([step.status === 'PUBLISHED' ? 1 : 0, i + 2]);
  }
  const moderator = { displayName: 'Admin' };
  const decidedAt = expect.any(String) as string;
  expect(await decisions(review.id)).toEqual([
    { from: 'REJECTED', to: 'PUBLISHED', reason: null, decidedAt, moderator },
    { from: 'PUBLISHED', to: 'REJECTED', reason: 'A complaint came.', decidedAt, moderator },
    { from: 'PENDING', to: 'PUBLISHED', reason: 'Fine.', decidedAt, moderator },
  ]);
  // Decisions are no edits.
  expect(await read(review.id, 'version createdAt updatedAt moderationReason')).toEqual({
    version: 1,
    createdAt: review.createdAt,
    updatedAt: review.createdAt,
    moderationReason: null,
  });
});

describe('what is refused changes and records nothing', () => {
  let id: string;
  beforeEach(async () => {
    ({ id } = (await create()).review as { id: string });
  });
  afterEach(async () => {
    expect(await decisions(id)).toEqual([]);
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
  });

  test('who is no admin: FORBIDDEN, its author too; UNAUTHENTICATED without a token', async () => {
    for (const [token, code] of [
      [author, 'FORBIDDEN'],
      [await newUserToken(), 'FORBIDDEN'],
      [undefined, 'UNAUTHENTICATED'],
    ] as const) {
      for (const review of [id, newId()]) {
        const answer = await send('moderateReview', { id: review, status: 'PUBLISHED' }, token);
        expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
      }
    }
  });

  test('to PENDING: INVALID_TRANSITION, with the review as it stands', async () => {
    expect(await moderate({ id, status: 'PENDING' })).toMatchObject({
      review: { id, status: 'PENDING' },
      ratingVersion: null,
      product: null,
      userErrors: [
        {
          code: 'INVALID_TRANSITION',
          field: ['input', 'status'],
          message: 'the review is PENDING: it can be PUBLISHED or REJECTED',
        },
      ],
    });
  });

  test.each([
    [null, 'BLANK'],
    ['', 'BLANK'],
    [' \u200b\n', 'BLANK'],
    ['x'.repeat(1_001), 'TOO_LONG'],
  ])('a rejection with the reason %j is %s', async (reason, code) => {
    expect(await moderate({ id, status: 'REJECTED', reason })).toMatchObject({
      review: null,
      userErrors: [{ code, field: ['input', 'reason'] }],
    });
  });

  test('a text that the admin has not read: VERSION_CONFLICT; an unknown review: NOT_FOUND', async () => {
    expect((await moderate({ id, status: 'PUBLISHED', expectedVersion: 7 })).userErrors).toMatchObject([
      { code: 'VERSION_CONFLICT', field: ['input', 'expectedVersion'] },
    ]);
    expect((await moderate({ id: newId(), status: 'PUBLISHED' })).userErrors).toMatchObject([
      { code: 'NOT_FOUND', field: ['input', 'id'] },
    ]);
    const malformed = await send('moderateReview', { id: 'x', status: 'PUBLISHED' }, admin);
    expect(malformed.errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'input.id' });
  });
});

test('of many admins who decide the same at once one does, and the others are told', async () => {
  const { review } = await create({ rating: 2 });
  const admins = await Promise.all(
    Array.from({ length: 8 }, (_, i) => signToken({ sub: `${newId()}-${i}`, name: `Admin ${i}`, roles: ['admin'] })),
  );
  const payloads = await Promise.all(admins.map((token) => moderate({ id: review.id, status: 'PUBLISHED' }, token)));
  expect(payloads.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
  const codes = payloads.flatMap(({ userErrors }) => userErrors as Array<{ code: string }>).map(({ code }) => code);
  expect(codes).toEqual(Array.from({ length: 7 }, () => 'INVALID_TRANSITION'));
  expect(await decisions(review.id)).toHaveLength(1);
  expect(await snapshot(database.pool, product)).toEqual({ seq: 2, stars: [0, 1, 0, 0, 0] });
});

test('an edit that comes before the decision is not published unread', async () => {
  const { review } = await create({ body: 'Fine.' });
  await update({ id: review.id, body: 'Advertising.' });
  expect(
    (await moderate({ id: review.id, status: 'PUBLISHED', expectedVersion: review.version })).userErrors,
  ).toMatchObject([{ code: 'VERSION_CONFLICT' }]);
  expect(await read(review.id, 'status', admin)).toEqual({ status: 'PENDING' });
});

test('decisions are read by admins alone', async () => {
  const { review } = await create();
  await moderate({ id: review.id, status: 'PUBLISHED' });
  for (const [token, code] of [
    [undefined, 'UNAUTHENTICATED'],
    [author, 'FORBIDDEN'],
  ] as const) {
    const answer = await query(
      app.origin,
      `query ($id: ID!) { review(id: $id) { id ${DECISIONS} } }`,
      { id: review.id },
      { token },
    );
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
    expect(answer.data?.review ?? { decisions: null }).toMatchObject({ decisions: null });
  }
});

test('a review that goes takes its decisions along; a moderator who goes leaves them', async () => {
  const { review } = await create();
  const gone = await signToken({ sub: newId(), name: 'Gone', roles: ['admin'] });
  await moderate({ id: review.id, status: 'PUBLISHED' }, gone);
  await database.pool.query(`DELETE FROM authors WHERE display_name = 'Gone'`);
  expect(await decisions(review.id)).toMatchObject([{ to: 'PUBLISHED', moderator: null }]);
  await database.pool.query('DELETE FROM reviews WHERE id = $1', [review.id]);
  const { rowCount } = await database.pool.query('SELECT FROM review_decisions WHERE review_id = $1', [review.id]);
  expect(rowCount).toBe(0);
});

test('a reason that psql left behind is not shown once the review is public', async () => {
  const { review } = await create();
  await moderate({ id: review.id, status: 'REJECTED', reason: 'Rude.' });
  await database.pool.query(`UPDATE reviews SET status = 'PUBLISHED' WHERE id = $1`, [review.id]);
  expect(await read(review.id, 'moderationReason')).toEqual({ moderationReason: null });
});

test('a review without an author is moderated like any other', async () => {
  const id = await insertReview(database.pool, product, 4);
  expect(await moderate({ id, status: 'REJECTED', reason: 'Spam.' })).toMatchObject({
    review: { id, status: 'REJECTED', moderationReason: 'Spam.', author: null },
    product: { reviewCount: 0 },
  });
});
