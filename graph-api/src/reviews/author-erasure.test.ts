import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { changes, insertProduct, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken, signToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { startAppProcess } from '../testing/app-process.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;
let admin: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  admin = await adminToken();
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const run = async (text: string, variables: object, token?: string): Promise<Answer> =>
  query(app.origin, text, variables as Record<string, unknown>, { token });
const send = (id: unknown, reviews: unknown, token: string | undefined, origin = app.origin): Promise<Answer> =>
  query(
    origin,
    `mutation ($input: EraseAuthorInput!) { eraseAuthor(input: $input) {
       erasedAuthorId affectedReviewCount userErrors { code field message } } }`,
    { input: { id, reviews } },
    { token },
  );
const erase = async (id: string, reviews: 'ANONYMIZE' | 'DELETE') => dataOf(await send(id, reviews, admin)).eraseAuthor;

interface Written {
  readonly id: string;
  readonly author: { readonly id: string; readonly displayName: string | null };
}
const createReview = async (token: string, productId: string, rating: number): Promise<Written> => {
  const text = `mutation ($input: CreateReviewInput!) { createReview(input: $input) {
    review { id author { id displayName } } userErrors { code } } }`;
  const { createReview } = dataOf(await run(text, { input: { productId, rating } }, token));
  expect(createReview.userErrors).toEqual([]);
  return createReview.review;
};
const update = async (token: string, id: string): Promise<Answer> =>
  run(
    'mutation ($id: ID!) { updateReview(input: { id: $id, rating: 1 }) { review { id } userErrors { code } } }',
    { id },
    token,
  );
const markHelpful = async (token: string, id: string): Promise<void> => {
  const text = 'mutation ($id: ID!) { markReviewHelpful(input: { id: $id, helpful: true }) { userErrors { code } } }';
  expect(dataOf(await run(text, { id }, token)).markReviewHelpful.userErrors).toEqual([]);
};
const read = async (id: string, fields: string, token?: string) =>
  dataOf(await run(`query ($id: ID!) { review(id: $id) { ${fields} } }`, { id }, token)).review;

/** Rows that stand for a person, or lead to one. */
async function traces(authorId: string): Promise<Record<string, number>> {
  const { rows } = await database.pool.query(
    `SELECT (SELECT count(*)::integer FROM authors WHERE id = $1) AS authors,
            (SELECT count(*)::integer FROM reviews WHERE author_id = $1 OR reply_author_id = $1) AS reviews,
            (SELECT count(*)::integer FROM review_votes WHERE voter_id = $1) AS votes,
            (SELECT count(*)::integer FROM review_decisions WHERE moderator_id = $1) AS decisions`,
    [authorId],
  );
  return rows[0] as Record<string, number>;
}
const NO_TRACES = { authors: 0, reviews: 0, votes: 0, decisions: 0 };

/** Reviews whose count of votes is not that of the votes. */
async function wrongVoteCounts(): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `SELECT r.id FROM reviews r LEFT JOIN review_vote_counts c ON c.review_id = r.id
      WHERE coalesce(c.helpful_count, 0) <> (SELECT count(*) FROM review_votes v WHERE v.review_id = r.id)`,
  );
  return rows;
}

test('anonymised reviews stay and count, without an author, and no event says so', async () => {
  const [product, other] = [await insertProduct(database.pool), await insertProduct(database.pool)];
  const token = await newUserToken('Ada');
  const review = await createReview(token, product, 5);
  await createReview(token, other, 2);
  const before = await outboxEvents(database.pool, product);

  expect(await erase(review.author.id, 'ANONYMIZE')).toEqual({
    erasedAuthorId: review.author.id,
    affectedReviewCount: 2,
    userErrors: [],
  });
  expect(await traces(review.author.id)).toEqual(NO_TRACES);
  expect(await read(review.id, 'rating author { id }')).toEqual({ rating: 5, author: null });
  expect(await snapshot(database.pool, product)).toEqual({ seq: 1, stars: [0, 0, 0, 0, 1] });
  expect(await outboxEvents(database.pool, product)).toEqual(before);
});

test('deleted reviews leave the ratings, with one event each', async () => {
  const [product, other] = [await insertProduct(database.pool), await insertProduct(database.pool)];
  const token = await newUserToken('Ada');
  const review = await createReview(token, product, 5);
  await createReview(token, other, 2);
  await createReview(await newUserToken('Bob'), product, 3);

  expect(await erase(review.author.id, 'DELETE')).toMatchObject({ affectedReviewCount: 2, userErrors: [] });
  expect(await traces(review.author.id)).toEqual(NO_TRACES);
  expect(await read(review.id, 'id')).toBeNull();
  expect(await snapshot(database.pool, product)).toEqual({ seq: 3, stars: [0, 0, 1, 0, 0] });
  expect(await snapshot(database.pool, other)).toEqual({ seq: 2, stars: [0, 0, 0, 0, 0] });
  expect(changes(await outboxEvents(database.pool, other)).at(-1)).toEqual([2, 'review-deleted', 2, null]);
});

test.each(['ANONYMIZE', 'DELETE'] as const)('%s: the same person afterwards is a new author', async (how) => {
  const product = await insertProduct(database.pool);
  const token = await newUserToken('Ada');
  const former = await createReview(token, product, 5);
  await erase(former.author.id, how);

  if (how === 'ANONYMIZE') expect((await update(token, former.id)).errors[0]!.extensions.code).toBe('FORBIDDEN');
  const again = await createReview(token, product, 1);
  expect(again.author).toEqual({ id: expect.not.stringMatching(former.author.id) as string, displayName: 'Ada' });
  const counted = how === 'ANONYMIZE' ? [1, 0, 0, 0, 1] : [1, 0, 0, 0, 0];
  expect((await snapshot(database.pool, product))!.stars).toEqual(counted);
  expect(dataOf(await update(token, again.id)).updateReview.userErrors).toEqual([]);
});

test('votes of the erased go, and the counts with them', async () => {
  const product = await insertProduct(database.pool);
  const [ada, bob] = [await newUserToken('Ada'), await newUserToken('Bob')];
  const own = await createReview(ada, product, 5);
  const other = await createReview(bob, product, 4);
  await markHelpful(ada, other.id);
  await markHelpful(bob, own.id);
  await markHelpful(await newUserToken(), other.id);

  await erase(own.author.id, 'ANONYMIZE');
  expect(await read(other.id, 'helpfulCount')).toEqual({ helpfulCount: 1 });
  expect(await read(own.id, 'helpfulCount')).toEqual({ helpfulCount: 1 });
  expect(await wrongVoteCounts()).toEqual([]);
  // A new person to us, whose former review is nobody's: also for them.
  await markHelpful(ada, own.id);
  expect(await read(own.id, 'helpfulCount viewerHasMarkedHelpful', ada)).toEqual({
    helpfulCount: 2,
    viewerHasMarkedHelpful: true,
  });
});

test('decisions and replies of an erased admin stay, without a name', async () => {
  const product = await insertProduct(database.pool);
  const review = await createReview(await newUserToken(), product, 5);
  const moderator = await signToken({ sub: `moderator ${newId()}`, name: 'Mo', roles: ['admin'] });
  const text = `mutation ($id: ID!) {
    moderateReview(input: { id: $id, status: REJECTED, reason: "Rude." }) { review { decisions { moderator { id displayName } } } }
    replyToReview(input: { id: $id, body: "Please be polite." }) { review { reply { author { id } } } } }`;
  const { moderateReview, replyToReview } = dataOf(await run(text, { id: review.id }, moderator));
  const { id } = moderateReview.review.decisions[0].moderator as { id: string };
  expect(replyToReview.review.reply.author).toEqual({ id });

  expect(await erase(id, 'DELETE')).toMatchObject({ affectedReviewCount: 0, userErrors: [] });
  expect(await traces(id)).toEqual(NO_TRACES);
  expect(await read(review.id, 'decisions { reason moderator { id } } reply { body author { id } }', admin)).toEqual({
    decisions: [{ reason: 'Rude.', moderator: null }],
    reply: { body: 'Please be polite.', author: null },
  });
});

describe('refused, with nothing erased', () => {
  let author: string;
  beforeAll(async () => {
    author = (await createReview(await newUserToken('Ada'), await insertProduct(database.pool), 5)).author.id;
  });
  afterEach(async () => expect(await traces(author)).toMatchObject({ authors: 1, reviews: 1 }));

  test('an author who was erased already, or never was', async () => {
    const erased = (await createReview(await newUserToken(), await insertProduct(database.pool), 5)).author.id;
    await erase(erased, 'ANONYMIZE');
    for (const id of [erased, newId()]) {
      expect(await erase(id, 'DELETE')).toEqual({
        erasedAuthorId: null,
        affectedReviewCount: null,
        userErrors: [{ code: 'NOT_FOUND', field: ['input', 'id'], message: 'there is no author with this id' }],
      });
    }
  });

  test.each<[string, () => Promise<Answer>, string]>([
    ['without a token', () => send(author, 'DELETE', undefined), 'UNAUTHENTICATED'],
    ['by someone else than an admin', async () => send(author, 'DELETE', await newUserToken()), 'FORBIDDEN'],
    ['what is no id', () => send('ada', 'DELETE', admin), 'BAD_USER_INPUT'],
    ['into nothing that is known', () => send(author, 'FORGET', admin), 'BAD_USER_INPUT'],
    ['without saying what becomes of the reviews', () => send(author, null, admin), 'BAD_USER_INPUT'],
  ])('%s', async (_what, attempt, code) => {
    const { data, errors } = await attempt();
    expect([data ?? null, errors[0]!.extensions.code]).toEqual([null, code]);
  });
});

describe('in flight', () => {
  /** Runs `request` while another transaction has begun the erasure, and commits that once the request waits for it. */
  async function whileErasing(authorId: string, request: () => Promise<Answer>): Promise<Answer> {
    const eraser = await database.pool.connect();
    try {
      await eraser.query('BEGIN');
      await eraser.query(`SELECT erase_author($1, 'ANONYMIZE', NULL)`, [authorId]);
      const answer = request();
      await eventually('the request waits for the erasure', async () => {
        const { rows } = await database.pool.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows.length === 1;
      });
      await eraser.query('COMMIT');
      return await answer;
    } finally {
      eraser.release();
    }
  }

  test('who writes another review meanwhile is a new author', async () => {
    const token = await newUserToken('Ada');
    const { author } = await createReview(token, await insertProduct(database.pool), 5);
    const product = await insertProduct(database.pool);
    const text = `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { author { id displayName } } userErrors { code } } }`;
    const answer = dataOf(await whileErasing(author.id, () => run(text, { id: product }, token))).createReview;
    expect(answer).toMatchObject({ review: { author: { displayName: 'Ada' } }, userErrors: [] });
    expect(answer.review.author.id).not.toBe(author.id);
  });

  test('who votes meanwhile is a new voter', async () => {
    const product = await insertProduct(database.pool);
    const token = await newUserToken('Ada');
    const { author } = await createReview(token, product, 5);
    const { id } = await createReview(await newUserToken(), product, 3);
    const text =
      'mutation ($id: ID!) { markReviewHelpful(input: { id: $id, helpful: true }) { review { helpfulCount } } }';
    const answer = await whileErasing(author.id, () => run(text, { id }, token));
    expect(dataOf(answer).markReviewHelpful.review).toEqual({ helpfulCount: 1 });
    const { rows } = await database.pool.query('SELECT voter_id FROM review_votes WHERE review_id = $1', [id]);
    expect(rows).not.toEqual([{ voter_id: author.id }]);
  });

  test('an edit with a new name does not bring the name back', async () => {
    const subject = newId();
    const { id, author } = await createReview(
      await signToken({ sub: subject, name: 'Ada' }),
      await insertProduct(database.pool),
      5,
    );
    const renamed = await signToken({ sub: subject, name: 'Ada B.' });
    const answer = await whileErasing(author.id, () => update(renamed, id));
    expect(answer.errors[0]!.extensions.code).toBe('FORBIDDEN');
    const { rows } = await database.pool.query('SELECT issuer, subject, display_name FROM authors WHERE id = $1', [
      author.id,
    ]);
    expect(rows).toEqual([{ issuer: null, subject: null, display_name: null }]);
  });
});

test('a product that somebody holds locked holds up no other product of the erased author', async () => {
  const products = await Promise.all(Array.from({ length: 4 }, () => insertProduct(database.pool)));
  const token = await newUserToken('Ada');
  const reviews: Written[] = [];
  for (const product of products) reviews.push(await createReview(token, product, 5));
  const { id: author } = reviews[0]!.author;
  const locked = [...products].sort().at(-1)!;
  const holder = await database.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [locked]);
    const answer = erase(author, 'DELETE');
    await eventually('the others are deleted', async () => (await traces(author))['reviews'] === 1);
    // While the erasure waits for the last one, it holds no other.
    for (const product of products.filter((id) => id !== locked)) {
      await createReview(await newUserToken(), product, 3);
    }
    expect(await traces(author)).toMatchObject({ reviews: 1 });
    await holder.query('COMMIT');
    expect(await answer).toMatchObject({ affectedReviewCount: 4, userErrors: [] });
  } finally {
    holder.release();
  }
  await eventually('the last one is deleted', async () => (await traces(author))['authors'] === 0, 30_000);
  expect(await traces(author)).toEqual(NO_TRACES);
});

test('erased again and again while they write and vote: nothing acknowledged is lost, and counts stay exact', async () => {
  const products = await Promise.all(Array.from({ length: 6 }, () => insertProduct(database.pool)));
  const token = await newUserToken('Ada');
  const foreign = await createReview(await newUserToken(), products[0]!, 3);
  let writing = true;
  const acknowledged = new Set<string>();
  const erased = new Set<string>();
  const write = async (productId: string): Promise<void> => {
    while (writing) {
      const text = `mutation ($id: ID!) { createReview(input: { productId: $id, rating: 4 }) { review { id author { id } } userErrors { code } } }`;
      const { review, userErrors } = dataOf(await run(text, { id: productId }, token)).createReview;
      if (userErrors.length === 0) acknowledged.add(review.id as string);
      else expect(userErrors).toEqual([{ code: 'ALREADY_REVIEWED' }]);
    }
  };
  const vote = async (): Promise<void> => {
    for (let n = 0; writing; n += 1) {
      const text =
        'mutation ($id: ID!, $on: Boolean!) { markReviewHelpful(input: { id: $id, helpful: $on }) { userErrors { code } } }';
      dataOf(await run(text, { id: foreign.id, on: n % 3 !== 2 }, token));
    }
  };
  const eraseAll = async (): Promise<void> => {
    while (erased.size < 15) {
      const { rows } = await database.pool.query(
        `SELECT id FROM authors WHERE display_name = 'Ada' AND id IN
        (SELECT author_id FROM reviews WHERE product_id = ANY ($1))`,
        [products],
      );
      for (const { id } of rows as Array<{ id: string }>) {
        const { userErrors } = await erase(id, 'ANONYMIZE');
        if (userErrors.length === 0) erased.add(id);
      }
    }
    writing = false;
  };
  await Promise.all([...products.map(write), vote(), eraseAll()]);

  const { rows } = await database.pool.query(
    'SELECT id, product_id, author_id FROM reviews WHERE product_id = ANY ($1) AND id <> $2',
    [products, foreign.id],
  );
  const reviews = rows as Array<{ id: string; product_id: string; author_id: string | null }>;
  expect(reviews.map(({ id }) => id).sort()).toEqual([...acknowledged].sort());
  expect(reviews.length).toBeGreaterThan(15);
  for (const productId of products) {
    const own = reviews.filter(({ product_id }) => product_id === productId);
    expect(own.filter(({ author_id }) => author_id !== null).length).toBeLessThan(2);
    const { seq, stars } = (await snapshot(database.pool, productId))!;
    expect([seq, stars[3]]).toEqual([own.length + (productId === products[0] ? 1 : 0), own.length]);
  }
  expect(await wrongVoteCounts()).toEqual([]);
  for (const id of erased) expect(await traces(id)).toEqual(NO_TRACES);
}, 60_000);

test('an author of 20,000 reviews and votes is erased in batches, which another process ends after a kill', async () => {
  const [author, voted] = [newId(), newId()];
  const loader = await database.pool.connect();
  try {
    await loader.query("INSERT INTO authors (id, issuer, subject) SELECT id, '', id::text FROM unnest($1::uuid[]) id", [
      [author, voted],
    ]);
    // Without triggers: nobody needs the events of what was there before.
    await loader.query("SET session_replication_role = 'replica'");
    await loader.query(
      `WITH loaded AS (
         INSERT INTO products (name, price_amount, price_currency) SELECT 'Loaded', 1, 'EUR' FROM generate_series(1, 10000) RETURNING id
       ), streams AS (INSERT INTO review_streams (product_id) SELECT id FROM loaded
       ), own AS (INSERT INTO reviews (product_id, author_id, rating) SELECT id, $1, 5 FROM loaded
       ), others AS (INSERT INTO reviews (product_id, author_id, rating) SELECT id, $2, 2 FROM loaded RETURNING id, product_id
       ), counts AS (INSERT INTO review_vote_counts (review_id, of_product_id, helpful_count) SELECT id, product_id, 1 FROM others)
       INSERT INTO review_votes (review_id, voter_id) SELECT id, $1 FROM others`,
      [author, voted],
    );
  } finally {
    loader.release(true);
  }

  const killed = await startAppProcess(database.env);
  try {
    expect(dataOf(await send(author, 'DELETE', admin, killed.origin)).eraseAuthor).toMatchObject({
      affectedReviewCount: 10_000,
      userErrors: [],
    });
  } finally {
    await killed.dispose();
  }
  // Gone for everyone, though most of the work is still to do.
  const left = await traces(author);
  expect(left['votes']! + left['reviews']!).toBeGreaterThan(5_000);
  const { rows } = await database.pool.query('SELECT id FROM reviews WHERE author_id = $1 LIMIT 1', [author]);
  if (rows.length > 0) expect(await read((rows[0] as { id: string }).id, 'author { id }')).toEqual({ author: null });

  const second = await startAppProcess(database.env);
  try {
    await eventually('everything is removed', async () => (await traces(author))['authors'] === 0, 60_000);
  } finally {
    await second.dispose();
  }
  expect(await traces(author)).toEqual(NO_TRACES);
  expect(await wrongVoteCounts()).toEqual([]);
  const { rows: ends } = await database.pool.query(
    `SELECT count(*)::integer AS events, count(DISTINCT aggregateid)::integer AS products, max(seq) AS seq FROM outbox WHERE type = 'review-deleted'
        AND aggregateid IN (SELECT product_id FROM reviews WHERE author_id = $1)`,
    [voted],
  );
  expect(ends).toEqual([{ events: 10_000, products: 10_000, seq: 1 }]);
}, 120_000);
