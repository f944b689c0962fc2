import { insertProduct, insertProducts } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { dataOf, query } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { startPostgresProxy, type WireProxy } from '../testing/wire-proxy.js';

let database: TestDatabase;
let postgres: WireProxy<string>;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startPostgresProxy(Number(database.env['DATABASE_PORT']));
  app = await startTestApp({ ...database.env, DATABASE_PORT: String(postgres.port) });
});
afterAll(async () => {
  await app?.stop();
  await postgres?.close();
  await database.drop();
});

interface Written {
  readonly review: { readonly id: string };
  readonly product: { readonly viewerReview: { readonly id: string } };
}

async function createReview(token: string, productId: string, rating = 4): Promise<Written> {
  const text = `mutation ($id: ID!, $rating: Int!) {
    createReview(input: { productId: $id, rating: $rating }) { review { id } product { viewerReview { id } } } }`;
  return dataOf(await query(app.origin, text, { id: productId, rating }, { token })).createReview as Written;
}

const setStatus = (id: string, status: string) =>
  database.pool.query('UPDATE reviews SET status = $2 WHERE id = $1', [id, status]);

/** The statements that the work asked for, without what a new connection is asked. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  postgres.clear();
  await work();
  return postgres.seen.filter((text) => !text.includes('prepare_session'));
}

describe('viewer', () => {
  const VIEWER = '{ viewer { isAdmin author { id displayName } reviews { totalCount nodes { id } } } }';

  test('nobody without a token; no author and no reviews before the first', async () => {
    expect(dataOf(await query(app.origin, VIEWER))).toEqual({ viewer: null });
    const [user, admin] = [await newUserToken('Ada'), await adminToken()];
    const reviews = { totalCount: 0, nodes: [] };
    for (const [token, isAdmin] of [
      [user, false],
      [admin, true],
    ] as const) {
      const { viewer } = dataOf(await query(app.origin, VIEWER, {}, { token }));
      expect(viewer).toEqual({ isAdmin, author: null, reviews });
    }
  });

  test('own reviews in any status and no others, newest first, page by page in both directions', async () => {
    const ada = await newUserToken('Ada');
    const eve = await newUserToken('Eve');
    const written: string[] = [];
    for (const product of await insertProducts(database.pool, 5)) {
      await createReview(eve, product);
      written.unshift((await createReview(ada, product)).review.id);
    }
    await setStatus(written[1]!, 'PENDING');
    await setStatus(written[3]!, 'REJECTED');
    const statuses = ['PUBLISHED', 'PENDING', 'PUBLISHED', 'REJECTED', 'PUBLISHED'];

    const page = async (variables: Record<string, unknown>) => {
      const text = `query ($first: Int, $after: String, $last: Int, $before: String) { viewer { author { displayName }
        reviews(first: $first, after: $after, last: $last, before: $before) {
          totalCount nodes { id status author { displayName } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
      return dataOf(await query(app.origin, text, variables, { token: ada })).viewer;
    };
    const shown = (from: number, to: number) =>
      written.slice(from, to).map((id, i) => ({ id, status: statuses[from + i], author: { displayName: 'Ada' } }));

    const first = await page({ first: 2 });
    expect(first).toMatchObject({
      author: { displayName: 'Ada' },
      reviews: { totalCount: 5, nodes: shown(0, 2), pageInfo: { hasNextPage: true, hasPreviousPage: false } },
    });
    const next = await page({ first: 3, after: first.reviews.pageInfo.endCursor });
    expect(next.reviews).toMatchObject({
      nodes: shown(2, 5),
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
    const back = await page({ last: 1, before: next.reviews.pageInfo.startCursor });
    expect(back.reviews).toMatchObject({ nodes: shown(1, 2), pageInfo: { hasNextPage: true, hasPreviousPage: true } });
  });

  test('not those of a deleted product', async () => {
    const ada = await newUserToken();
    const product = await insertProduct(database.pool);
    await createReview(ada, product);
    await database.pool.query('UPDATE products SET deleted_at = now() WHERE id = $1', [product]);
    const { viewer } = dataOf(await query(app.origin, VIEWER, {}, { token: ada }));
    expect(viewer.reviews).toEqual({ totalCount: 0, nodes: [] });
  });

  test('a page, its author and the products: one statement each, the page by an index', async () => {
    const ada = await newUserToken('Ada');
    for (const product of await insertProducts(database.pool, 3)) await createReview(ada, product);
    const text =
      '{ viewer { author { displayName } reviews(first: 2) { nodes { product { name } author { displayName } } } } }';
    const statements = await statementsOf(async () => dataOf(await query(app.origin, text, {}, { token: ada })));
    expect(statements).toHaveLength(4);

    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      // Of a small table the planner would read all.
      await client.query(
        'SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off',
      );
      const list = statements.find((statement) => statement.includes('ORDER BY'))!;
      const plan = await client.query(`EXPLAIN (GENERIC_PLAN) ${list}`);
      expect(JSON.stringify(plan.rows)).toContain('reviews_author_id_created_at_id_idx');
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });

  test.each([
    ['first: 101', 'first'],
    ['first: 1, last: 1', 'last'],
    ['after: "x"', 'after'],
  ])('reviews(%s) is refused', async (page, argument) => {
    const text = `{ viewer { reviews(${page}) { nodes { id } } } }`;
    const { status, errors } = await query(app.origin, text, {}, { token: await newUserToken() });
    expect([status, errors[0]!.extensions]).toMatchObject([400, { code: 'BAD_USER_INPUT', argument }]);
  });

  test('a cursor of another list is refused', async () => {
    const token = await newUserToken();
    await createReview(token, await insertProduct(database.pool));
    const { endCursor } = dataOf(await query(app.origin, '{ reviews(first: 1) { pageInfo { endCursor } } }')).reviews
      .pageInfo as { endCursor: string };
    const text = 'query ($c: String) { viewer { reviews(after: $c) { nodes { id } } } }';
    const { errors } = await query(app.origin, text, { c: endCursor }, { token });
    expect(errors[0]!.message).toMatch(/after is a cursor of another list/);
  });
});

describe('Product.viewerReview', () => {
  const LIST = '{ products(first: 20) { nodes { id viewerReview { id status rating product { name } } } } }';

  test('of a list, in any status, null where there is none: one statement for all', async () => {
    const ada = await newUserToken('Ada');
    const products = await insertProducts(database.pool, 20);
    const own = new Map<string, unknown>();
    for (const [i, product] of products.slice(0, 6).entries()) {
      const { review } = await createReview(ada, product, 1 + (i % 5));
      const status = ['PUBLISHED', 'PENDING', 'REJECTED'][i % 3]!;
      await setStatus(review.id, status);
      own.set(product, { id: review.id, status, rating: 1 + (i % 5), product: { name: expect.any(String) as string } });
    }
    const others = await newUserToken('Eve');
    await createReview(others, products[10]!);

    const statements = await statementsOf(async () => {
      const { nodes } = dataOf(await query(app.origin, LIST, {}, { token: ada })).products as {
        nodes: Array<{ id: string; viewerReview: unknown }>;
      };
      expect(nodes).toHaveLength(20);
      for (const { id, viewerReview } of nodes) expect(viewerReview).toEqual(own.get(id) ?? null);
    });
    expect(statements).toHaveLength(2);
  });

  test('null without a token, for nothing', async () => {
    const statements = await statementsOf(async () => {
      const { nodes } = dataOf(await query(app.origin, LIST)).products as { nodes: Array<{ viewerReview: unknown }> };
      expect(new Set(nodes.map(({ viewerReview }) => viewerReview))).toEqual(new Set([null]));
    });
    expect(statements).toHaveLength(1);
  });

  test('a payload shows it as the mutation left it', async () => {
    const ada = await newUserToken('Ada');
    const product = await insertProduct(database.pool);
    const created = await createReview(ada, product);
    expect(created.product.viewerReview.id).toBe(created.review.id);
    const text = `mutation ($id: ID!) { before: updateReview(input: { id: $id, rating: 1 }) { product { viewerReview { rating } } }
      after: deleteReview(input: { id: $id }) { product { viewerReview { rating } } } }`;
    expect(dataOf(await query(app.origin, text, { id: created.review.id }, { token: ada }))).toEqual({
      before: { product: { viewerReview: { rating: 1 } } },
      after: { product: { viewerReview: null } },
    });
  });
});
