import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import type { PoolClient } from 'pg';
import { newId } from '../graphql/ids.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;
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
  product = await insertProduct(database.pool);
  review = await insertReview(database.pool, product, 4);
});

const send = (id: string, helpful: unknown, token: string | undefined): Promise<Answer> =>
  query(
    app.origin,
    `mutation ($input: MarkReviewHelpfulInput!) { markReviewHelpful(input: $input) {
       review { id helpfulCount viewerHasMarkedHelpful version } userErrors { code field message } } }`,
    { input: { id, helpful } },
    { token },
  );
const mark = async (id: string, helpful: boolean, token: string) =>
  dataOf(await send(id, helpful, token)).markReviewHelpful;

const read = async (id: string, token?: string) =>
  dataOf(
    await query(
      app.origin,
      'query ($id: ID!) { review(id: $id) { helpfulCount viewerHasMarkedHelpful } }',
      { id },
      { token },
    ),
  ).review;

/** Votes that are stored, and what is counted. */
async function stored(id: string): Promise<{ votes: number; counted: number }> {
  const { rows } = await database.pool.query(
    `SELECT (SELECT count(*)::integer FROM review_votes WHERE review_id = $1) AS votes,
            (SELECT helpful_count FROM review_vote_counts WHERE review_id = $1) AS counted`,
    [id],
  );
  return rows[0] as { votes: number; counted: number };
}

test('a vote counts once a voter, is seen by its voter, and is taken back', async () => {
  const [ada, bob] = [await newUserToken('Ada'), await newUserToken('Bob')];
  expect(await mark(review, true, ada)).toEqual({
    review: { id: review, helpfulCount: 1, viewerHasMarkedHelpful: true, version: 1 },
    userErrors: [],
  });
  expect((await mark(review, true, ada)).review).toMatchObject({ helpfulCount: 1, viewerHasMarkedHelpful: true });
  expect((await mark(review, true, bob)).review).toMatchObject({ helpfulCount: 2 });
  expect(await read(review, ada)).toEqual({ helpfulCount: 2, viewerHasMarkedHelpful: true });
  expect(await read(review, await newUserToken())).toEqual({ helpfulCount: 2, viewerHasMarkedHelpful: false });
  expect(await read(review)).toEqual({ helpfulCount: 2, viewerHasMarkedHelpful: false });
  expect((await mark(review, false, ada)).review).toMatchObject({ helpfulCount: 1, viewerHasMarkedHelpful: false });
  expect((await mark(review, false, ada)).review).toMatchObject({ helpfulCount: 1 });
  expect((await mark(review, false, await newUserToken())).review).toMatchObject({ helpfulCount: 1 });
  expect(await stored(review)).toEqual({ votes: 1, counted: 1 });
});

test('a review that was just written has no votes yet, and says so', async () => {
  const answer = await query(
    app.origin,
    `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 5 }) {
       review { helpfulCount viewerHasMarkedHelpful verifiedPurchase reply { body } } } }`,
    { id: product },
    { token: await newUserToken() },
  );
  expect(dataOf(answer).createReview.review).toEqual({
    helpfulCount: 0,
    viewerHasMarkedHelpful: false,
    verifiedPurchase: false,
    reply: null,
  });
});

describe('refused, with nothing stored', () => {
  const noVotes = async (): Promise<void> => {
    expect(await stored(review)).toEqual({ votes: 0, counted: 0 });
    const { rows } = await database.pool.query('SELECT FROM review_votes');
    expect(rows).toEqual([]);
  };
  beforeEach(() => database.pool.query('DELETE FROM review_votes'));

  test('an unknown review', async () => {
    expect(await mark(newId(), true, await newUserToken())).toEqual({
      review: null,
      userErrors: [
        { code: 'NOT_FOUND', field: ['input', 'id'], message: expect.stringMatching(/no review/) as string },
      ],
    });
    await noVotes();
  });

  test.each(['PENDING', 'REJECTED'])('a review that is %s, for strangers and admins', async (status) => {
    await database.pool.query('UPDATE reviews SET status = $2 WHERE id = $1', [review, status]);
    for (const token of [await newUserToken(), await adminToken()]) {
      for (const helpful of [true, false]) {
        expect((await mark(review, helpful, token)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
      }
    }
    await noVotes();
  });

  test("one's own, also while it waits", async () => {
    const token = await newUserToken();
    const created = await query(
      app.origin,
      'mutation ($id: ID!) { createReview(input: { productId: $id, rating: 5 }) { review { id } } }',
      { id: product },
      { token },
    );
    const own: string = dataOf(created).createReview.review.id;
    for (const status of ['PUBLISHED', 'PENDING']) {
      await database.pool.query('UPDATE reviews SET status = $2 WHERE id = $1', [own, status]);
      for (const helpful of [true, false]) {
        expect((await mark(own, helpful, token)).userErrors).toMatchObject([
          { code: 'OWN_REVIEW', field: ['input', 'id'] },
        ]);
      }
    }
    await noVotes();
  });

  test('without a token, with what is no id, with null', async () => {
    expect((await send(review, true, undefined)).errors[0]!.extensions.code).toBe('UNAUTHENTICATED');
    const token = await newUserToken();
    expect((await send('1', true, token)).errors[0]!.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'input.id',
    });
    expect((await send(review, null, token)).errors[0]!.extensions.code).toBe('BAD_USER_INPUT');
    await noVotes();
  });
});

describe('is no rating event', () => {
  let holder: PoolClient;
  beforeEach(async () => {
    holder = await database.pool.connect();
    await holder.query('BEGIN');
  });
  afterEach(async () => {
    await holder.query('ROLLBACK');
    holder.release();
  });

  test('and locks no product: it is answered while the product and its stream are locked', async () => {
    await holder.query('SELECT FROM products WHERE id = $1 FOR UPDATE', [product]);
    await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [product]);
    const token = await newUserToken();
    expect((await mark(review, true, token)).review).toMatchObject({ helpfulCount: 1 });
    expect((await mark(review, false, token)).review).toMatchObject({ helpfulCount: 0 });
    // The review itself may be on its way to be changed, by someone who waits for the product.
    await holder.query('SELECT FROM reviews WHERE id = $1 FOR NO KEY UPDATE', [review]);
    expect((await mark(review, true, token)).review).toMatchObject({ helpfulCount: 1 });
  });

  test('and writes none: neither the outbox nor the sequence number moves', async () => {
    const before = [await outboxEvents(database.pool, product), await snapshot(database.pool, product)];
    await mark(review, true, await newUserToken());
    expect([await outboxEvents(database.pool, product), await snapshot(database.pool, product)]).toEqual(before);
  });

  test('but waits for the deletion of its review, and is then NOT_FOUND', async () => {
    await holder.query('DELETE FROM reviews WHERE id = $1', [review]);
    const answer = mark(review, true, await newUserToken());
    await eventually('the vote waits', async () => {
      const { rows } = await database.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%mark_review_helpful%'`,
      );
      return rows.length === 1;
    });
    await holder.query('COMMIT');
    expect(await answer).toMatchObject({ review: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });
});

describe('stays exact', () => {
  test('raced by one voter: each vote and each taking back at once', async () => {
    const token = await newUserToken();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => mark(review, i % 2 === 0, token)));
    expect(answers.every(({ userErrors }) => userErrors.length === 0)).toBe(true);
    const { votes, counted } = await stored(review);
    expect(counted).toBe(votes);
    expect((await mark(review, true, token)).review.helpfulCount).toBe(1);
  });

  test('raced by many, some of whom take theirs back', async () => {
    const tokens = await Promise.all(Array.from({ length: 30 }, () => newUserToken()));
    await Promise.all(
      tokens.map(async (token, i) => {
        await mark(review, true, token);
        if (i % 3 === 0) await mark(review, false, token);
      }),
    );
    expect(await stored(review)).toEqual({ votes: 20, counted: 20 });
    expect(await read(review)).toMatchObject({ helpfulCount: 20 });
  });

  test('by whatever statement votes come and go', async () => {
    const other = await insertReview(database.pool, product, 2);
    await database.pool.query(
      `WITH voters AS (INSERT INTO authors (issuer, subject) SELECT '', 'voter ' || n || $1 FROM generate_series(1, 5) n RETURNING id)
       INSERT INTO review_votes (review_id, voter_id) SELECT r, id FROM voters, unnest($2::uuid[]) r`,
      [review, [review, other]],
    );
    expect([await stored(review), await stored(other)]).toEqual([
      { votes: 5, counted: 5 },
      { votes: 5, counted: 5 },
    ]);
    await database.pool.query(
      'DELETE FROM review_votes WHERE review_id = $1 AND voter_id IN (SELECT voter_id FROM review_votes LIMIT 2)',
      [review],
    );
    expect((await stored(review)).counted).toBe((await stored(review)).votes);
    await expect(
      database.pool.query('UPDATE review_votes SET review_id = $1 WHERE review_id = $2', [other, review]),
    ).rejects.toThrow('helpful_count would not follow');
    await database.pool.query('DELETE FROM reviews WHERE id = $1', [other]);
    const { rows } = await database.pool.query('SELECT FROM review_vote_counts WHERE review_id = $1', [other]);
    expect([await stored(other), rows]).toEqual([{ votes: 0, counted: null }, []]);
  });

  test('for a review that was loaded with triggers off', async () => {
    await database.pool.query('DELETE FROM review_vote_counts WHERE review_id = $1', [review]);
    expect(await read(review)).toMatchObject({ helpfulCount: 0 });
    expect((await mark(review, true, await newUserToken())).review).toMatchObject({ helpfulCount: 1 });
  });
});
