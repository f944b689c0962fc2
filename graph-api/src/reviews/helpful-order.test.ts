import type { UUID } from 'node:crypto';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { OrderDirection } from '../pagination/order.js';
import { keysetQuery } from '../pagination/keyset.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { REVIEW_ORDERS } from './review-order.js';

/** Reviews in the order of their helpful votes, and the filters by what others have added to them. */

let database: TestDatabase;
let app: TestApp;
let product: string;

/** Ids of the product's reviews with these numbers of votes, in the order in which they were written. */
async function reviewsWithVotes(counts: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const _ of counts) ids.push(await insertReview(database.pool, product, 3, { id: newId() as UUID }));
  await database.pool.query(
    `INSERT INTO review_votes (review_id, voter_id)
     SELECT r.id, voter.id FROM unnest($1::uuid[], $2::integer[]) AS r (id, votes),
            LATERAL (SELECT id FROM authors ORDER BY subject LIMIT votes) AS voter`,
    [ids, counts],
  );
  return ids;
}

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  await database.pool.query(
    `INSERT INTO authors (issuer, subject) SELECT '', lpad(n::text, 3, '0') FROM generate_series(1, 30) n`,
  );
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});
beforeEach(async () => {
  product = await insertProduct(database.pool);
});

interface Page {
  readonly nodes: Array<{ readonly id: string; readonly helpfulCount: number }>;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string;
    readonly endCursor: string;
  };
}
const LIST = 'nodes { id helpfulCount } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const ARGUMENTS =
  'first: $first, last: $last, after: $after, before: $before, orderBy: { field: HELPFUL_COUNT, direction: $direction }';
const VARIABLES = '$first: Int, $last: Int, $after: String, $before: String, $direction: OrderDirection!';
const ofProduct = async (variables: object): Promise<Page> => {
  const text = `query ($id: ID!, ${VARIABLES}) { product(id: $id) { reviews(${ARGUMENTS}) { ${LIST} } } }`;
  return dataOf(await query(app.origin, text, { id: product, ...variables })).product.reviews;
};
const ofAll = async (variables: object): Promise<Page> =>
  dataOf(await query(app.origin, `query (${VARIABLES}) { reviews(${ARGUMENTS}) { ${LIST} } }`, { ...variables }))
    .reviews;

test.each<[string, (variables: object) => Promise<Page>]>([
  ['of a product', ofProduct],
  ['of all products', ofAll],
])('the most helpful reviews %s, in both directions, from either end', async (_what, read) => {
  // Of all products are those of the tests before as well.
  await database.pool.query('DELETE FROM reviews');
  const ids = await reviewsWithVotes([0, 7, 0, 30, 7, 12, 1]);
  const descending = [3, 5, 4, 1, 6, 2, 0].map((i) => ids[i]!);
  for (const direction of ['DESC', 'ASC']) {
    const expected = direction === 'DESC' ? descending : [...descending].reverse();
    const walked: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const page: Page = await read({ direction, first: 2, after });
      expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
      walked.push(...page.nodes.map(({ id }) => id));
      ({ endCursor: after, hasNextPage: more } = page.pageInfo);
    }
    expect(walked).toEqual(expected);
    const last = await read({ direction, last: 3 });
    expect(last.nodes.map(({ id }) => id)).toEqual(expected.slice(-3));
    const before = await read({ direction, last: 2, before: last.pageInfo.startCursor });
    expect(before.nodes.map(({ id }) => id)).toEqual(expected.slice(-5, -3));
    expect(before.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
  }
  expect((await read({ direction: 'DESC', first: 1 })).nodes).toEqual([{ id: ids[3], helpfulCount: 30 }]);
});

test('a walk neither repeats nor loses a review that nobody votes on meanwhile', async () => {
  const ids = await reviewsWithVotes(Array.from({ length: 60 }, (_, i) => i % 5));
  const [moving, still] = [ids.filter((_, i) => i % 3 === 0), ids.filter((_, i) => i % 3 !== 0)];
  const walked: string[] = [];
  let voter = 10;
  for (let after: string | null = null, more = true; more;) {
    const page: Page = await ofProduct({ direction: 'DESC', first: 4, after });
    walked.push(...page.nodes.map(({ id }) => id));
    ({ endCursor: after, hasNextPage: more } = page.pageInfo);
    await database.pool.query(
      `INSERT INTO review_votes (review_id, voter_id)
       SELECT id, (SELECT id FROM authors ORDER BY subject OFFSET $2 LIMIT 1) FROM unnest($1::uuid[]) id`,
      [moving.filter((_, i) => i % 2 === voter % 2), voter],
    );
    await insertReview(database.pool, product, 5);
    voter += 1;
  }
  expect(walked.filter((id) => still.includes(id)).sort()).toEqual([...still].sort());
});

test('a page is read from the index, however many reviews the product has', async () => {
  const big = await insertProduct(database.pool);
  await database.pool.query(
    'INSERT INTO reviews (product_id, rating) SELECT $1, 1 + n % 5 FROM generate_series(1, 20000) n',
    [big],
  );
  await database.pool.query('ANALYZE reviews, review_vote_counts');
  for (const parents of [{ column: 'product_id', ids: [big] }, null]) {
    const list = {
      ...{
        kind: 'review',
        table: 'reviews',
        filter: '',
        direction: OrderDirection.DESC,
        order: REVIEW_ORDERS.HELPFUL_COUNT,
      },
      condition: { text: `status = 'PUBLISHED'`, values: [], isIndexed: true },
    };
    const page = { size: 20, backward: false, after: { value: '0', id: newId() }, before: null };
    const selection = { columns: ['id', 'rating'], positions: true, bounds: true };
    const { text, values } = keysetQuery(list, selection, page, parents);
    const { rows } = await database.pool.query(`EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) ${text}`, values);
    const plan = JSON.stringify(rows);
    expect(plan).toContain('review_vote_counts_');
    const read = [...plan.matchAll(/"Actual Rows":([\d.]+)/g)].map(([, count]) => Number(count));
    expect(Math.max(...read)).toBeLessThan(100);
  }
});

describe('filters', () => {
  const list = (filter: object, token?: string): Promise<Answer> =>
    query(
      app.origin,
      'query ($id: ID!, $filter: ReviewFilter) { product(id: $id) { reviews(filter: $filter) { totalCount nodes { id } } } }',
      { id: product, filter },
      { token },
    );
  const ids = async (filter: object): Promise<string[]> => {
    const { totalCount, nodes } = dataOf(await list(filter)).product.reviews;
    expect(nodes).toHaveLength(totalCount as number);
    return (nodes as Array<{ id: string }>).map(({ id }) => id);
  };

  test('verifiedPurchase and hasReply, each way, together, and null as if absent', async () => {
    const [plain, bought, answered, both] = (await reviewsWithVotes([0, 0, 0, 0])) as [string, string, string, string];
    await database.pool.query('UPDATE reviews SET verified_purchase = true WHERE id = ANY ($1)', [[bought, both]]);
    await database.pool.query(`UPDATE reviews SET reply_body = 'Thanks', replied_at = now() WHERE id = ANY ($1)`, [
      [answered, both],
    ]);
    expect(await ids({ verifiedPurchase: true })).toEqual([both, bought]);
    expect(await ids({ verifiedPurchase: false })).toEqual([answered, plain]);
    expect(await ids({ hasReply: true })).toEqual([both, answered]);
    expect(await ids({ hasReply: false, verifiedPurchase: true })).toEqual([bought]);
    expect(await ids({ hasReply: null, verifiedPurchase: null })).toHaveLength(4);
  });

  test('the reviews of an author who is being erased are nobody’s at once', async () => {
    const [review] = (await reviewsWithVotes([0])) as [string];
    const { rows } = await database.pool.query(`INSERT INTO authors (issuer, subject) VALUES ('', $1) RETURNING id`, [
      newId(),
    ]);
    const { id: authorId } = rows[0] as { id: string };
    await database.pool.query('UPDATE reviews SET author_id = $2 WHERE id = $1', [review, authorId]);
    expect(await ids({ authorId })).toEqual([review]);
    await database.pool.query(`UPDATE authors SET issuer = NULL, subject = NULL, erasure = 'ANONYMIZE' WHERE id = $1`, [
      authorId,
    ]);
    expect(await ids({ authorId })).toEqual([]);
    const everywhere = 'query ($filter: ReviewFilter) { reviews(filter: $filter) { totalCount nodes { id } } }';
    const answer = await query(app.origin, everywhere, { filter: { authorId } }, { token: await adminToken() });
    expect(dataOf(answer).reviews).toEqual({ totalCount: 0, nodes: [] });
  });
});
