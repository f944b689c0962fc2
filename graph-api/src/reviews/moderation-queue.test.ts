import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { startPostgresProxy, type WireProxy } from '../testing/wire-proxy.js';
import { reviewCondition } from './review-filter.js';
import { ReviewStatus } from './review-status.js';

const ADMIN = { issuer: '', subject: 'admin', displayName: 'Admin', isAdmin: true };

let database: TestDatabase;
let postgres: WireProxy<string>;
let app: TestApp;
let admin: string;
let stranger: string;
let products: string[];
let author: string;

/** 60 reviews of two products, a status after the other, some of them at the same moment; the last third by one author. */
beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  app = await startTestApp({ ...database.env, DATABASE_PORT: String(postgres.port) });
  [admin, stranger] = await Promise.all([adminToken(), newUserToken('Eve')]);
  products = [await insertProduct(database.pool), await insertProduct(database.pool)];
  await database.pool.query(
    `INSERT INTO reviews (product_id, rating, status, created_at)
     SELECT ($1::uuid[])[1 + i % 2], 1 + i % 5, (ARRAY['PENDING', 'PUBLISHED', 'REJECTED'])[1 + i % 3],
            timestamptz '2026-01-01' + (i / 4) * interval '1 minute'
       FROM generate_series(0, 59) i`,
    [products],
  );
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO authors (issuer, subject, display_name) VALUES ('', 'writer', 'Writer') RETURNING id`,
  );
  author = rows[0]!.id;
  await database.pool.query(
    `UPDATE reviews SET author_id = $1 WHERE id = (SELECT id FROM reviews WHERE status = 'PENDING' LIMIT 1)`,
    [author],
  );
});
afterAll(async () => {
  await app?.stop();
  await postgres?.close();
  await database.drop();
});

const OLDEST_FIRST = { field: 'CREATED_AT', direction: 'ASC' };
const FIELDS = 'nodes { id status createdAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

const list = (variables: object, { token = admin, fields = FIELDS } = {}): Promise<Answer> =>
  query(
    app.origin,
    `query ($filter: ReviewFilter, $orderBy: ReviewOrder!, $first: Int, $after: String, $last: Int, $before: String) {
       reviews(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) { ${fields} } }`,
    { orderBy: OLDEST_FIRST, ...variables },
    { token },
  );

interface WalkedPage {
  readonly nodes: Array<{ id: string }>;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

async function idsWhere(condition: string, direction = 'ASC'): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `SELECT id FROM reviews WHERE ${condition} ORDER BY created_at ${direction}, id ${direction}`,
  );
  return rows.map(({ id }) => id);
}

test.each([
  ['ASC', false],
  ['ASC', true],
  ['DESC', false],
  ['DESC', true],
] as const)('the queue is walked whole, %s, backward: %s', async (direction, backward) => {
  const walked: string[] = [];
  let cursor: string | null = null;
  for (let goesOn = true; goesOn;) {
    const page: object = backward ? { last: 7, before: cursor } : { first: 7, after: cursor };
    const variables = { filter: { statuses: ['PENDING'] }, orderBy: { field: 'CREATED_AT', direction }, ...page };
    const { nodes, pageInfo } = dataOf(await list(variables)).reviews as WalkedPage;
    const ids = nodes.map(({ id }) => id);
    if (backward) walked.unshift(...ids);
    else walked.push(...ids);
    expect(backward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage).toBe(cursor !== null);
    cursor = backward ? pageInfo.startCursor : pageInfo.endCursor;
    goesOn = backward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
  }
  expect(walked).toEqual(await idsWhere(`status = 'PENDING'`, direction));
  expect(walked).toHaveLength(20);
});

test.each([
  [['PENDING', 'REJECTED'], `status <> 'PUBLISHED'`],
  [['REJECTED'], `status = 'REJECTED'`],
  [['PUBLISHED', 'PENDING', 'REJECTED'], 'true'],
  [[], 'false'],
  [null, `status = 'PUBLISHED'`],
])('an admin lists %j', async (statuses, condition) => {
  const { nodes, totalCount } = dataOf(
    await list({ filter: { statuses }, first: 100 }, { fields: 'totalCount nodes { id }' }),
  ).reviews;
  const ids = await idsWhere(condition);
  expect((nodes as Array<{ id: string }>).map(({ id }) => id)).toEqual(ids);
  expect(totalCount).toBe(ids.length);
});

test('one product, one author, both, and ids that nobody has', async () => {
  const found = async (filter: object) =>
    (
      dataOf(await list({ filter: { statuses: ['PENDING'], ...filter }, first: 100 })).reviews.nodes as Array<{
        id: string;
      }>
    ).map(({ id }) => id);
  const own = await idsWhere(`author_id = '${author}'`);
  expect(await found({ productId: products[1] })).toEqual(
    await idsWhere(`status = 'PENDING' AND product_id = '${products[1]}'`),
  );
  expect(await found({ authorId: author })).toEqual(own);
  const both = await Promise.all(products.map((productId) => found({ productId, authorId: author })));
  expect(both.flat()).toEqual(own);
  expect(await found({ productId: newId() })).toEqual([]);
  for (const filter of [{ productId: 'x' }, { authorId: '1' }]) {
    const argument = `filter.${Object.keys(filter)[0]}`;
    expect((await list({ filter })).errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
  }
});

test('a stranger gets no review that is not published, and no count of them', async () => {
  for (const statuses of [['PENDING'], ['REJECTED'], ['PUBLISHED', 'PENDING']]) {
    for (const [token, code] of [
      [stranger, 'FORBIDDEN'],
      [undefined, 'UNAUTHENTICATED'],
    ] as const) {
      for (const fields of ['nodes { id }', 'totalCount', 'pageInfo { hasNextPage }']) {
        const answer = await query(
          app.origin,
          `query ($statuses: [ReviewStatus!]) { reviews(filter: { statuses: $statuses }) { ${fields} } }`,
          { statuses },
          { token },
        );
        expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
        expect(answer.data).toBeNull();
      }
    }
  }
  for (const token of [stranger, undefined]) {
    const answer = await query(
      app.origin,
      `query ($a: ID) { all: reviews { totalCount nodes { status } } of: reviews(filter: { authorId: $a }) { totalCount nodes { id } } }`,
      { a: author },
      { token },
    );
    const { all, of } = dataOf(answer);
    expect(all.totalCount).toBe(20);
    expect(new Set((all.nodes as Array<{ status: string }>).map(({ status }) => status))).toEqual(
      new Set(['PUBLISHED']),
    );
    // Its author's only review waits.
    expect(of).toEqual({ totalCount: 0, nodes: [] });
  }
});

test('reviews of a product that is being removed are in no list', async () => {
  const gone = await insertProduct(database.pool);
  await database.pool.query(`INSERT INTO reviews (product_id, rating, status) VALUES ($1, 3, 'PENDING')`, [gone]);
  await database.pool.query('UPDATE products SET deleted_at = now() WHERE id = $1', [gone]);
  const filter = { statuses: ['PENDING'], productId: gone };
  expect(dataOf(await list({ filter }, { fields: 'totalCount nodes { id }' })).reviews).toEqual({
    totalCount: 0,
    nodes: [],
  });
});

test('the queue with products, authors, decisions and moderators is one statement a level', async () => {
  await database.pool.query(
    `INSERT INTO review_decisions (review_id, moderator_id, from_status, to_status)
     SELECT id, $1, 'REJECTED', 'PUBLISHED' FROM reviews WHERE status = 'PENDING'`,
    [author],
  );
  const fields = 'nodes { status product { name } author { displayName } decisions { to moderator { displayName } } }';
  const read = () => list({ filter: { statuses: ['PENDING'] }, first: 20 }, { fields });
  dataOf(await read());
  postgres.clear();
  const { nodes } = dataOf(await read()).reviews;
  expect(nodes).toHaveLength(20);
  expect(nodes[5].decisions).toEqual([{ to: 'PUBLISHED', moderator: { displayName: 'Writer' } }]);
  // Reviews, products, decisions; authors and moderators may come in one tick or two.
  const statements = postgres.seen.filter((text) => !text.includes('pg_backend_pid'));
  expect(statements.filter((text) => !text.includes('FROM authors'))).toHaveLength(3);
  expect(statements.length).toBeLessThanOrEqual(5);
});

describe('with 20,000 published reviews and few that wait', () => {
  beforeAll(async () => {
    await database.pool.query(`INSERT INTO reviews (product_id, rating) SELECT $1, 4 FROM generate_series(1, 20000)`, [
      products[0],
    ]);
    await database.pool.query('VACUUM ANALYZE reviews');
  });

  test.each([
    [[ReviewStatus.PENDING], 'reviews_pending_idx'],
    [[ReviewStatus.PENDING, ReviewStatus.REJECTED], 'reviews_hidden_idx'],
    [[ReviewStatus.REJECTED], 'reviews_hidden_idx'],
    [[ReviewStatus.PUBLISHED], 'reviews_created_at_id_idx'],
    [[ReviewStatus.PUBLISHED, ReviewStatus.PENDING, ReviewStatus.REJECTED], 'reviews_created_at_id_idx'],
  ])('a page of %j is read by %s', async (statuses, index) => {
    const { text } = reviewCondition({ statuses }, ADMIN);
    for (const direction of ['ASC', 'DESC']) {
      const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT id FROM reviews WHERE ${text} ORDER BY created_at ${direction}, id ${direction} LIMIT 21`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain(index);
      expect(plan).not.toContain('Sort');
    }
  });

  test('the pending reviews are counted by their index', async () => {
    const { text } = reviewCondition({ statuses: [ReviewStatus.PENDING] }, ADMIN);
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT count(*) FROM reviews WHERE ${text}`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('reviews_pending_idx');
  });
});
